//! Benches side by side with the real Prometheus: same targets, same machine, one after the other, in pairs.

use crate::process::{Process, cpu_seconds, free_port, memory};
use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What one run of one server gave.
#[derive(Debug, Clone, Copy)]
struct Measured {
    cpu_seconds: f64,
    samples: f64,
    anon_bytes: f64,
    series: f64,
    missed: f64,
}

/// Parameters of the scrape bench.
pub(crate) struct Scrape {
    pub(crate) targets: usize,
    pub(crate) warm: Duration,
    pub(crate) counted: Duration,
    pub(crate) pairs: usize,
}

/// Scrapes replayed Felix targets at 1 s with both servers in turn, each alone on core 1, the targets on core 0; plain
/// bodies first (with a second, smaller run for the memory's slope), then gzip.
pub(crate) fn scrape(p: &Scrape) -> Result<()> {
    let bin = binaries()?;
    let fixtures = PathBuf::from(std::env::var_os("TORTIE_FIXTURES").context("TORTIE_FIXTURES is not set")?);
    let work = tempdir()?;
    let one = |server: &str, targets, gzip| {
        run(&Setup { bin: &bin, fixtures: &fixtures, work: &work, server, targets, gzip }, p)
    };
    let mut plain = Vec::new();
    let mut packed = Vec::new();
    for pair in 0..p.pairs {
        let row = [
            pair_of(pair, "plain", |s| one(s, p.targets, false))?,
            pair_of(pair, "plain, a fifth", |s| one(s, p.targets / 5, false))?,
        ];
        plain.push(row);
        packed.push(pair_of(pair, "gzip", |s| one(s, p.targets, true))?);
    }
    println!();
    spread("CPU a sample, plain, Prometheus / tortie", plain.iter().map(|[full, _]| ratio(full, per_sample)));
    spread("CPU a sample, gzip, Prometheus / tortie", packed.iter().map(|full| ratio(full, per_sample)));
    spread(
        "anonymous memory a series, Prometheus / tortie",
        plain.iter().map(|[full, _]| ratio(full, |m| m.anon_bytes / m.series)),
    );
    spread(
        "anonymous memory a series by slope, Prometheus / tortie",
        plain.iter().map(|[full, small]| slope(&small[0], &full[0]) / slope(&small[1], &full[1])),
    );
    let missed: f64 = plain.iter().flatten().chain(&packed).flatten().map(|m| m.missed).sum();
    println!("scrapes missed in all runs together: {missed}");
    std::fs::remove_dir_all(&work).ok();
    ensure!(missed == 0.0, "void: a server missed scrapes, so the machine was too busy for a comparison");
    Ok(())
}

/// Prometheus' run and tortie's, one after the other; equal results first.
fn pair_of(pair: usize, what: &str, mut one: impl FnMut(&str) -> Result<Measured>) -> Result<[Measured; 2]> {
    let mut both = Vec::new();
    for server in ["prometheus", "tortie"] {
        let m = one(server)?;
        println!(
            "pair {pair}, {what:<14} {server:<10} {:.3} CPU s per M samples, {:.0} B a series, {} series, {} scrapes missed",
            per_sample(&m) * 1e6,
            m.anon_bytes / m.series,
            m.series,
            m.missed
        );
        both.push(m);
    }
    let both: [Measured; 2] = both.try_into().map_err(|_| anyhow::anyhow!("two servers"))?;
    ensure!(both[0].series == both[1].series, "the servers disagree on the number of series: void");
    Ok(both)
}

fn per_sample(m: &Measured) -> f64 {
    m.cpu_seconds / m.samples
}

fn ratio(both: &[Measured; 2], of: impl Fn(&Measured) -> f64) -> f64 {
    of(&both[0]) / of(&both[1])
}

fn slope(small: &Measured, full: &Measured) -> f64 {
    (full.anon_bytes - small.anon_bytes) / (full.series - small.series)
}

fn spread(name: &str, values: impl Iterator<Item = f64>) {
    let mut v: Vec<f64> = values.collect();
    v.sort_by(f64::total_cmp);
    println!(
        "{name}: median {:.2} (min {:.2}, max {:.2}, {} pairs)",
        v[v.len() / 2],
        v[0],
        v[v.len() - 1],
        v.len()
    );
}

struct Binaries {
    prometheus: PathBuf,
    tortie: PathBuf,
}

fn binaries() -> Result<Binaries> {
    let peers = PathBuf::from(std::env::var_os("TORTIE_PEERS_BIN").context("TORTIE_PEERS_BIN is not set")?);
    let tortie =
        PathBuf::from(std::env::var_os("TORTIE_BIN").context("TORTIE_BIN is not set: a release build")?);
    Ok(Binaries { prometheus: peers.join("prometheus"), tortie })
}

fn tempdir() -> Result<PathBuf> {
    let dir = std::env::temp_dir().join(format!("tortie-bench-{}", std::process::id()));
    std::fs::create_dir_all(&dir)?;
    Ok(dir)
}

/// One run of one server.
struct Setup<'a> {
    bin: &'a Binaries,
    fixtures: &'a Path,
    work: &'a Path,
    server: &'a str,
    targets: usize,
    gzip: bool,
}

fn run(setup: &Setup<'_>, p: &Scrape) -> Result<Measured> {
    let Setup { bin, fixtures, work, server, targets, gzip } = *setup;
    let dir = work.join(format!("{server}-{targets}"));
    std::fs::remove_dir_all(&dir).ok();
    std::fs::create_dir_all(&dir)?;
    let list = dir.join("targets.json");
    let sim = Process::start(
        &dir,
        "sim",
        "0",
        &bin.tortie,
        &[
            "sim".into(),
            "replay".into(),
            fixtures.join("calico/iptables").display().to_string(),
            "--only=felix".into(),
            format!("--copies={targets}"),
            "--cycle".into(),
            format!("--write-targets={}", list.display()),
        ],
        &[],
    )?;
    wait_until(Duration::from_secs(30), || list.exists())?;
    std::fs::write(
        dir.join("config.yml"),
        format!(
            "global: {{scrape_interval: 1s, scrape_timeout: 1s}}\nscrape_configs:\n- job_name: felix\n  enable_compression: {gzip}\n  file_sd_configs: [{{files: [\"{}\"]}}]\n",
            list.display()
        ),
    )?;
    let port = free_port()?;
    let mut args = vec![
        format!("--config.file={}", dir.join("config.yml").display()),
        format!("--storage.tsdb.path={}", dir.join("data").display()),
        format!("--web.listen-address=127.0.0.1:{port}"),
        "--log.level=warn".into(),
    ];
    let (program, env): (&Path, Vec<(String, String)>) = if server == "prometheus" {
        (&bin.prometheus, vec![("GOMAXPROCS".into(), "1".into())])
    } else {
        args.insert(0, "run".into());
        args.push("--threads=1".into());
        (&bin.tortie, Vec::new())
    };
    let sut = Process::start(&dir, server, "1", program, &args, &env)?;
    let ask = |query: &str| instant(port, query);
    wait_until(Duration::from_secs(60), || {
        instant(port, "count(up == 1)").is_ok_and(|v| v == targets as f64)
    })?;
    std::thread::sleep(p.warm);
    let (cpu0, at0) = (cpu_seconds(sut.id())?, Instant::now());
    std::thread::sleep(p.counted);
    let (cpu1, took) = (cpu_seconds(sut.id())?, at0.elapsed().as_secs_f64());
    let anon = memory(sut.id())?;
    // Two seconds back: the scrapes of that time have ended.
    let window = p.counted.as_secs();
    let scraped = ask(&format!("sum(sum_over_time(scrape_samples_scraped[{window}s] offset 2s))"))?;
    let scrapes = ask(&format!("sum(count_over_time(up[{window}s] offset 2s))"))?;
    let series = ask("count({__name__=~\".+\"} offset 2s)")?;
    let measured = Measured {
        cpu_seconds: cpu1 - cpu0,
        // Samples of the counted time: those of the window, scaled to what really passed.
        samples: scraped * took / window as f64,
        anon_bytes: anon as f64,
        series,
        missed: targets as f64 * window as f64 - scrapes,
    };
    sut.stop()?;
    sim.stop()?;
    Ok(measured)
}

fn wait_until(most: Duration, mut done: impl FnMut() -> bool) -> Result<()> {
    let start = Instant::now();
    while !done() {
        ensure!(start.elapsed() < most, "not ready within {most:?}");
        std::thread::sleep(Duration::from_millis(200));
    }
    Ok(())
}

/// The value of an instant query that gives one number.
fn instant(port: u16, query: &str) -> Result<f64> {
    let encoded: String = query.bytes().map(|b| format!("%{b:02X}")).collect();
    let body = crate::process::get(port, &format!("/api/v1/query?query={encoded}"))?;
    let v: serde_json::Value = serde_json::from_str(&body)?;
    let result = &v["data"]["result"][0]["value"][1];
    Ok(result.as_str().with_context(|| format!("{query}: {body}"))?.parse()?)
}
