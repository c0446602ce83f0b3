//! What a cluster exercises: the rows of what the operator does, each with a test over the objects and over what became of
//! them. Nothing is declared: a row counts where its condition holds.

mod credentials;
mod global;
mod limits;
mod pod_monitor;
mod probe;
mod scrape_config;
mod selection;
mod service_monitor;
mod view;

pub(crate) use view::View;

/// Clusters that each row must be exercised by.
pub(crate) const LEAST: usize = 5;

/// Whether a cluster exercises a row.
type Holds = Box<dyn Fn(&View<'_>) -> bool>;

/// One thing that the operator does.
pub(crate) struct Row {
    /// A short name: section and word.
    pub(crate) id: String,
    holds: Holds,
}

/// Rows of one section.
struct Section {
    name: &'static str,
    rows: Vec<Row>,
}

impl Section {
    fn new(name: &'static str) -> Section {
        Section { name, rows: Vec::new() }
    }

    fn row(mut self, word: &str, holds: impl Fn(&View<'_>) -> bool + 'static) -> Section {
        self.rows.push(Row { id: format!("{}/{word}", self.name), holds: Box::new(holds) });
        self
    }
}

/// All rows, in the order of the sections.
pub(crate) fn all() -> Vec<Row> {
    [
        selection::rows(),
        service_monitor::connection(),
        service_monitor::lookup(),
        service_monitor::rules(),
        pod_monitor::rows(),
        probe::rows(),
        scrape_config::rows(),
        global::rows(),
        limits::rows(),
        limits::classes(),
        credentials::rows(),
        scrape_config::sharing(),
    ]
    .into_iter()
    .flat_map(|s| s.rows)
    .collect()
}

/// The rows that a cluster exercises.
pub(crate) fn exercised<'r>(rows: &'r [Row], view: &View<'_>) -> Vec<&'r str> {
    rows.iter().filter(|r| (r.holds)(view)).map(|r| r.id.as_str()).collect()
}

/// How many clusters exercise each row, as lines of text; and the rows that too few exercise.
pub(crate) fn count(clusters: &[Vec<&str>], rows: &[Row]) -> (String, Vec<String>) {
    let (mut page, mut short) = (String::new(), Vec::new());
    for row in rows {
        let n = clusters.iter().filter(|ids| ids.contains(&row.id.as_str())).count();
        page.push_str(&format!("{n:5}  {}\n", row.id));
        if n < LEAST {
            short.push(format!("{}: {n}", row.id));
        }
    }
    (page, short)
}
