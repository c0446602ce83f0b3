//! Each fault over HTTP, and that healing undoes it.

use tortie_sim::{Fault, Fleet};

use crate::fleet::{START, options, scrape, series};

const FELIX: usize = 1;
const TYPHA: usize = 3;
const KUBE_CONTROLLERS: usize = 5;

async fn healthy(fleet: &Fleet) {
    for i in 0..fleet.targets().len() {
        let answer = scrape(fleet, i, false).await.unwrap();
        assert!(answer.status == 200 && answer.whole, "target {i}");
        assert!(
            answer
                .text()
                .lines()
                .all(|l| l.starts_with('#')
                    || l.rsplit_once(' ').is_some_and(|(_, v)| v.parse::<f64>().is_ok()))
        );
    }
    assert!(series(fleet, 0).await.contains_key("felix_host{host=\"node1\"}"));
}

async fn with(fault: Fault) -> Fleet {
    let fleet = Fleet::start(options()).await.unwrap();
    fleet.set_time(START + 60_000);
    healthy(&fleet).await;
    fleet.inject(fault).await.unwrap();
    fleet.inject(fault).await.unwrap();
    assert_eq!(fleet.faults(), [fault]);
    fleet
}

async fn heals(fleet: Fleet, fault: Fault) {
    fleet.heal(fault).await.unwrap();
    assert!(fleet.faults().is_empty());
    healthy(&fleet).await;
    fleet.stop().await;
}

async fn refused(fleet: &Fleet, i: usize) -> bool {
    scrape(fleet, i, false).await.is_err_and(|e| e.kind() == std::io::ErrorKind::ConnectionRefused)
}

#[tokio::test]
async fn felix_down_refuses_and_starts_anew() {
    let fleet = with(Fault::FelixDown).await;
    assert!(refused(&fleet, FELIX).await);
    assert!(!refused(&fleet, 0).await);
    fleet.set_time(START + 120_000);
    fleet.heal(Fault::FelixDown).await.unwrap();
    let start = series(&fleet, FELIX).await["process_start_time_seconds"];
    assert!((0.0..1.0).contains(&(start - (START + 120_000) as f64 / 1000.0)), "{start}");
    heals(fleet, Fault::FelixDown).await;
}

#[tokio::test]
async fn typhas_metrics_off_refuses_on_all_typhas() {
    let fleet = with(Fault::TyphaMetricsOff).await;
    assert!(refused(&fleet, TYPHA).await && refused(&fleet, TYPHA + 1).await);
    heals(fleet, Fault::TyphaMetricsOff).await;
}

#[tokio::test]
async fn typha_on_felix_port_answers_as_typha() {
    let fleet = with(Fault::TyphaOnFelixPort).await;
    let beside = fleet.targets().iter().position(|t| t.node == fleet.targets()[TYPHA].node).unwrap();
    let answer = series(&fleet, beside).await;
    assert!(!answer.keys().any(|k| k.starts_with("felix_host")));
    assert_eq!(answer["felix_resync_state"], 0.0);
    assert!(answer.contains_key("typha_cache_size{syncer=\"felix\"}"));
    assert!(refused(&fleet, TYPHA).await);
    heals(fleet, Fault::TyphaOnFelixPort).await;
}

#[tokio::test]
async fn half_a_body_ends_before_its_framing() {
    let fleet = with(Fault::FelixHalfBody).await;
    for gzip in [false, true] {
        let answer = scrape(&fleet, FELIX, gzip).await.unwrap();
        assert!(answer.status == 200 && !answer.whole && !answer.body.is_empty());
    }
    heals(fleet, Fault::FelixHalfBody).await;
}

#[tokio::test]
async fn garbage_has_one_broken_line() {
    let fleet = with(Fault::FelixGarbage).await;
    let text = scrape(&fleet, FELIX, false).await.unwrap().text();
    let broken: Vec<&str> = text
        .lines()
        .filter(|l| !l.starts_with('#') && l.rsplit_once(' ').is_none_or(|(_, v)| v.parse::<f64>().is_err()))
        .collect();
    assert_eq!(broken, ["felix_active_local_endpoints{ thirteen"]);
    heals(fleet, Fault::FelixGarbage).await;
}

#[tokio::test]
async fn slow_kube_controllers_say_nothing_for_a_while() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let fleet = with(Fault::KubeControllersSlow).await;
    let mut stream = tokio::net::TcpStream::connect(fleet.targets()[KUBE_CONTROLLERS].address).await.unwrap();
    tokio::time::pause();
    let asked = tokio::time::Instant::now();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: t\r\n\r\n").await.unwrap();
    let mut one = [0];
    stream.read_exact(&mut one).await.unwrap();
    assert!(asked.elapsed() >= std::time::Duration::from_secs(30));
    tokio::time::resume();
    drop(stream);
    heals(fleet, Fault::KubeControllersSlow).await;
}
