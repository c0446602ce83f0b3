//! tmp
#![allow(clippy::all, clippy::disallowed_methods, clippy::print_stdout, dead_code, unreachable_pub, missing_docs)]
#[path = "../tests/it/client.rs"]
mod client;
use std::sync::Arc;
use tortie_host::ManualClock;
use tortie_sim::*;
#[tokio::main(flavor = "multi_thread", worker_threads = 1)]
async fn main() {
    let start = 1_767_571_200_000i64;
    let f = Fleet::start(FleetOptions { clock: Arc::new(ManualClock::at(start)), start_ms: Some(start), bind: Bind::AnyPort, dataplanes: vec![Dataplane::Iptables, Dataplane::Nftables, Dataplane::Bpf], ..FleetOptions::default() }).await.unwrap();
    let t0 = std::time::Instant::now();
    let show = std::env::args().nth(1).unwrap_or_default() == "times";
    let mut fails = 0;
    for k in 0..5760 {
        f.set_time(start + k * 15000);
        for (i, t) in f.targets().iter().enumerate() {
            let a = client::get(t.address, "/metrics", false);
            match a {
                Ok(a) => if k % 60 == 0 && show { std::fs::write(format!("/tmp/g/day/{i}.{:04}.prom", k), a.body).unwrap() },
                Err(_) => fails += 1,
            }
        }
    }
    println!("{:?} fails {fails}", t0.elapsed());
}
