//! Measures a large fleet: memory, and CPU for each scrape.
//!
//! `cargo run --release -p tortie-sim --example fleet -- [NODES] [ROUNDS] [plain|gzip]` starts the fleet in this
//! process and a client in another one, which scrapes every target ROUNDS times over connections that stay open.

#![allow(clippy::disallowed_methods, clippy::print_stdout)] // reads /proc, prints what it measured

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};

use tortie_host::limits;
use tortie_sim::{Bind, Dataplane, Fleet, FleetOptions};

type Any = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Any> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    limits::raise_file_limit();
    if args.first().is_some_and(|a| a == "client") {
        return client(&args);
    }
    let nodes: usize = args.first().map_or(Ok(5000), |n| n.parse())?;
    let rounds = args.get(1).cloned().unwrap_or_else(|| "20".to_owned());
    let encoding = args.get(2).cloned().unwrap_or_else(|| "gzip".to_owned());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(async {
        let fleet = Fleet::start(FleetOptions {
            nodes,
            dataplanes: vec![Dataplane::Iptables, Dataplane::Nftables, Dataplane::Bpf],
            bind: Bind::AnyPort,
            kube_controllers: 0,
            warm_up_s: 60,
            ..FleetOptions::default()
        })
        .await?;
        tokio::time::sleep(std::time::Duration::from_secs(2)).await;
        println!("{nodes} nodes, {} targets: {} MiB anonymous when idle", fleet.targets().len(), mib());
        let idle = cpu()?;
        tokio::time::sleep(std::time::Duration::from_secs(5)).await;
        println!("idle: {:.2} % of a core", (cpu()? - idle) / 5.0 * 100.0);
        let addresses: Vec<String> = fleet.targets().iter().map(|t| t.address.to_string()).collect();
        let before = cpu()?;
        let out = tokio::task::spawn_blocking(move || run_client(&addresses, &rounds, &encoding)).await??;
        let used = cpu()? - before;
        let mut words = out.split(' ');
        let mut number = || -> Result<f64, Any> { Ok(words.next().unwrap_or("").trim().parse()?) };
        let (scrapes, bytes, seconds) = (number()?, number()?, number()?);
        println!(
            "{scrapes} scrapes in {seconds:.1} s, {:.0} bytes each: {:.1} us CPU a scrape, {} MiB anonymous, {} MiB of bodies",
            bytes / scrapes,
            used / scrapes * 1e6,
            mib(),
            fleet.body_bytes() >> 20,
        );
        Ok(())
    })
}

fn mib() -> u64 {
    limits::anonymous_rss() >> 20
}

/// User and system time of this process in seconds.
fn cpu() -> Result<f64, Any> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    let ticks = |i: usize| fields.get(i).and_then(|f| f.parse::<f64>().ok()).unwrap_or(0.0);
    Ok((ticks(11) + ticks(12)) / 100.0)
}

fn run_client(addresses: &[String], rounds: &str, encoding: &str) -> Result<String, Any> {
    let mut child = Command::new(std::env::current_exe()?)
        .args(["client", rounds, encoding])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(addresses.join("\n").as_bytes())?;
    }
    Ok(String::from_utf8(child.wait_with_output()?.stdout)?)
}

/// Scrapes the addresses on standard input and prints scrapes, bytes of bodies, and seconds.
fn client(args: &[String]) -> Result<(), Any> {
    let rounds: usize = args.get(1).map_or(Ok(1), |n| n.parse())?;
    let gzip = args.get(2).is_some_and(|e| e == "gzip");
    let mut input = String::new();
    std::io::stdin().read_to_string(&mut input)?;
    let addresses: Vec<SocketAddr> = input.lines().map(str::parse).collect::<Result<_, _>>()?;
    let begin = std::time::Instant::now();
    let mut open: Vec<TcpStream> = addresses.iter().map(TcpStream::connect).collect::<Result<_, _>>()?;
    let request = format!(
        "GET /metrics HTTP/1.1\r\nHost: t\r\n{}\r\n",
        if gzip { "Accept-Encoding: gzip\r\n" } else { "" }
    );
    let (mut scrapes, mut bytes) = (0_u64, 0_u64);
    let mut buf = vec![0; 1 << 20];
    for _ in 0..rounds {
        for stream in &mut open {
            stream.write_all(request.as_bytes())?;
            let (mut n, mut head) = (0, 0);
            loop {
                n += stream.read(&mut buf[n..])?;
                if head == 0 {
                    head = buf[..n].windows(4).position(|w| w == b"\r\n\r\n").map_or(0, |i| i + 4);
                }
                if buf[..n].ends_with(b"\r\n0\r\n\r\n") {
                    break;
                }
            }
            scrapes += 1;
            bytes += (n - head) as u64;
        }
    }
    println!("{scrapes} {bytes} {}", begin.elapsed().as_secs_f64());
    Ok(())
}
