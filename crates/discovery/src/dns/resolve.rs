//! Which names are asked of which servers, by `/etc/resolv.conf`, in the order in which Prometheus does it.

use super::exchange::{self, Answer, Reply};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use tortie_config::dns::RecordType;
use tortie_host::Fs;

/// What names the servers; read anew for each question, as it may change.
const RESOLV_CONF: &str = "/etc/resolv.conf";
/// Port of DNS.
const PORT: u16 = 53;
/// Most dots that `ndots` may ask for.
const MOST_DOTS: usize = 15;

/// Answers questions with the help of the machine's servers.
pub(super) struct Resolver {
    fs: Arc<dyn Fs>,
    file: PathBuf,
    port: u16,
}

impl Resolver {
    pub(super) fn new(fs: Arc<dyn Fs>) -> Resolver {
        Resolver { fs, file: PathBuf::from(RESOLV_CONF), port: PORT }
    }

    /// The records of a name: of the first form of it, along the search path, that some server knows. None when every
    /// form is said not to exist.
    ///
    /// # Errors
    /// When one form had no answer and no other was known: whether the name exists is then not known.
    pub(super) async fn look_up(&self, name: &str, kind: RecordType) -> Result<Vec<Answer>, String> {
        let text = self.fs.read(&self.file).map_err(|e| format!("could not load resolv.conf: {e}"))?;
        let settings = Settings::read(&String::from_utf8_lossy(&text));
        let mut all_answered = true;
        for form in settings.forms(name) {
            match self.ask_any(&settings, &form, kind).await {
                Some(Reply::Known(records)) => return Ok(records),
                Some(Reply::NoSuchName) => {}
                Some(Reply::Refused(_)) | None => all_answered = false,
            }
        }
        if all_answered {
            return Ok(Vec::new());
        }
        Err(format!(
            "could not resolve {name:?}: all servers responded with errors to at least one search domain"
        ))
    }

    /// What the first server that has an answer says of a full name.
    async fn ask_any(&self, settings: &Settings, name: &str, kind: RecordType) -> Option<Reply> {
        for server in &settings.servers {
            let asked = match server.parse::<IpAddr>() {
                Ok(ip) => exchange::ask(SocketAddr::new(ip, self.port), name, kind).await,
                Err(_) => Err(format!("{server:?} is no address")),
            };
            match asked {
                Ok(Reply::Refused(_)) => {}
                Ok(reply) => return Some(reply),
                Err(err) => {
                    tracing::warn!(
                        component = "discovery",
                        discovery = "dns",
                        server,
                        name,
                        err,
                        "DNS resolution failed"
                    );
                }
            }
        }
        None
    }
}

/// What `resolv.conf` says.
#[derive(Debug, PartialEq, Eq)]
struct Settings {
    servers: Vec<String>,
    search: Vec<String>,
    dots: usize,
}

impl Settings {
    fn read(text: &str) -> Settings {
        let mut out = Settings { servers: Vec::new(), search: Vec::new(), dots: 1 };
        for line in text.lines() {
            let mut words = line.split_whitespace();
            match words.next() {
                Some("nameserver") => out.servers.extend(words.next().map(str::to_owned)),
                Some("domain") => out.search = words.next().map(str::to_owned).into_iter().collect(),
                Some("search") => out.search = words.map(str::to_owned).collect(),
                Some("options") => {
                    for n in words.filter_map(|w| w.strip_prefix("ndots:")) {
                        // Go's Atoi gives 0 for what is no number.
                        out.dots = n.parse::<i64>().unwrap_or(0).clamp(0, MOST_DOTS as i64) as usize;
                    }
                }
                _ => {}
            }
        }
        out
    }

    /// The full names that a name may stand for, in the order in which they are asked for.
    fn forms(&self, name: &str) -> Vec<String> {
        if name.ends_with('.') {
            return vec![name.to_owned()];
        }
        let own = format!("{name}.");
        let longer = self.search.iter().map(|s| format!("{own}{}.", s.trim_end_matches('.')));
        let mut all: Vec<String> = longer.collect();
        let labels = name.split('.').count();
        if labels > self.dots {
            all.insert(0, own);
        } else {
            all.push(own);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;
    use tortie_host::MemFs;
    use tortie_testbed::names::Zone;

    #[test]
    fn names_take_the_search_path() {
        let check = |conf: &str, name: &str, expect: &[&str]| {
            assert_eq!(Settings::read(conf).forms(name), expect, "{conf:?} {name}");
        };
        check("", "am", &["am."]);
        check("search a.b c\n", "am", &["am.a.b.", "am.c.", "am."]);
        check("search a.b\n", "am.x", &["am.x.", "am.x.a.b."]);
        check("search a.b\noptions ndots:5 rotate\n", "am.x.svc", &["am.x.svc.a.b.", "am.x.svc."]);
        check("search a\ndomain b\n", "am", &["am.b.", "am."]);
        check("search a\n", "am.", &["am."]);
        check("options ndots:x\nsearch a", "am", &["am.", "am.a."]);
        let read = Settings::read("# nameserver 1.1.1.1\nnameserver 10.0.0.1\n nameserver fd00::1 x\n");
        assert_eq!(read.servers, ["10.0.0.1", "fd00::1"]);
    }

    fn resolver(conf: &str, port: u16) -> Resolver {
        let fs = Arc::new(MemFs::new());
        fs.create_dir_all(Path::new("/etc")).unwrap();
        fs.write_atomic(Path::new(RESOLV_CONF), conf.as_bytes()).unwrap();
        Resolver { fs, file: PathBuf::from(RESOLV_CONF), port }
    }

    #[tokio::test]
    async fn the_first_known_form_counts_and_errors_are_told_from_absence() {
        let zone = Zone::default();
        zone.address("am.mon.local.", [10, 0, 0, 1]);
        zone.address("am.mon.local.", [10, 0, 0, 2]);
        zone.fails("broken.");
        zone.empty("empty.local.");
        let port = zone.serve().unwrap();
        let r = resolver("nameserver 127.0.0.1\nsearch local mon.local\n", port);
        let found = r.look_up("am", RecordType::A).await.unwrap();
        assert_eq!(found, [Answer::Address([10, 0, 0, 1].into()), Answer::Address([10, 0, 0, 2].into())]);
        assert_eq!(r.look_up("nothing", RecordType::A).await.unwrap(), []);
        // A name without records of the type ends the search.
        assert_eq!(r.look_up("empty", RecordType::A).await.unwrap(), []);
        let wrong = r.look_up("broken.", RecordType::A).await.unwrap_err();
        assert!(wrong.starts_with("could not resolve \"broken.\": all servers"), "{wrong}");
        let none = resolver("", port).look_up("am", RecordType::A).await;
        assert!(none.is_err(), "without servers nothing is known");
    }

    #[tokio::test]
    async fn a_server_that_refuses_is_passed_over() {
        let zone = Zone::default();
        zone.address("am.", [10, 0, 0, 1]);
        let port = zone.serve().unwrap();
        // Nothing listens at the second address; the first is no address at all.
        let r = resolver("nameserver here\nnameserver 127.0.0.77\nnameserver 127.0.0.1\n", port);
        assert_eq!(r.look_up("am.", RecordType::A).await.unwrap().len(), 1);
    }
}
