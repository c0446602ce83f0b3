//! An API server of which some lists do not come, or not as they should: the doctor ends in bounded time, judges what it got,
//! and says what is missing; setup writes nothing.

use crate::doctor::{ids, run};
use crate::process::folder;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};
use tortie_sim::installs::{Objects, Options};
use tortie_sim::kube::{CalicoApi, KubeOptions, KubeServer, User};

/// What comes instead of an answer.
#[derive(Debug, Clone, Copy)]
enum Instead {
    /// Nothing, and the connection stays.
    Silence,
    /// The beginning of a list, then nothing.
    Half,
    /// A status of Kubernetes with this code, line and reason.
    Refusal(u16, &'static str),
}

/// The requests whose path begins so.
type Held = (&'static [&'static str], Instead);

/// Stands before the API server and holds some answers back.
fn before(server: SocketAddr, held: Held) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || pass(stream, server, held));
        }
    });
    address
}

/// One request a connection.
fn pass(mut client: TcpStream, server: SocketAddr, (paths, instead): Held) -> Option<()> {
    let (mut request, mut piece) = (Vec::new(), [0; 16_384]);
    let end = loop {
        if let Some(end) = request.windows(4).position(|w| w == b"\r\n\r\n") {
            break end;
        }
        let n = client.read(&mut piece).ok().filter(|n| *n > 0)?;
        request.extend_from_slice(&piece[..n]);
    };
    let head = String::from_utf8_lossy(&request[..end]).into_owned();
    let path = head.split(' ').nth(1)?;
    if paths.iter().any(|p| path.starts_with(p)) {
        match instead {
            Instead::Silence => {}
            Instead::Half => {
                let begin = "{\"kind\":\"List\",\"apiVersion\":\"v1\",\"metadata\":{},\"items\":[";
                let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 40000";
                write!(client, "{head}\r\n\r\n{begin}").ok()?;
            }
            Instead::Refusal(code, reason) => {
                let body = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code,
                    "reason": reason, "message": format!("{reason} it is")})
                .to_string();
                let head = format!(
                    "HTTP/1.1 {code} {reason}\r\nContent-Type: application/json\r\nRetry-After: 1\r\nConnection: close"
                );
                write!(client, "{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).ok()?;
                return None;
            }
        }
        // Until whoever asks hangs up.
        while client.read(&mut piece).ok().filter(|n| *n > 0).is_some() {}
        return None;
    }
    let mut upstream = TcpStream::connect(server).ok()?;
    write!(upstream, "{head}\r\nConnection: close\r\n\r\n").ok()?;
    upstream.write_all(&request[end + 4..]).ok()?;
    std::io::copy(&mut upstream, &mut client).ok()?;
    Some(())
}

/// A healthy cluster behind a server that holds some answers back, as a kubeconfig in `dir`.
async fn cluster(dir: &Path, held: Held) -> KubeServer {
    let options = KubeOptions {
        anonymous: Some(User::administrator("admin")),
        ..KubeOptions::monitored(CalicoApi::Aggregated)
    };
    let kube = KubeServer::start(options).await.unwrap();
    for object in &Objects::of(&Options::default()).0 {
        assert!(kube.place(object), "{object}");
    }
    let own = kube.address();
    let text = kube.kubeconfig("admin").replace(&own.to_string(), &before(own, held).to_string());
    std::fs::write(dir.join("kubeconfig"), text).unwrap();
    kube
}

/// Runs the doctor and gives its report, its screen and how long the slower of the two took.
fn look(dir: &Path, more: &[&str]) -> (Value, String, Duration) {
    let own = ["--kubeconfig", "kubeconfig", "--no-prometheus", "--probe-nodes", "0"];
    let begun = Instant::now();
    let report = run(dir, &[], &[&["doctor", "-o", "json"][..], &own, more].concat());
    let took = begun.elapsed();
    let screen = run(dir, &[], &[&["doctor"][..], &own, more].concat());
    assert_eq!((report.code, screen.code), (Some(3), Some(3)), "{}{}", screen.out, screen.err);
    (serde_json::from_str(&report.out).unwrap(), screen.out, took.max(begun.elapsed() - took))
}

/// Verdict and note of all judgements of a check.
fn notes(report: &Value, id: &str) -> Vec<(String, String)> {
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let own = report["checks"].as_array().unwrap().iter().filter(|c| c["id"] == id);
    own.map(|c| (text(&c["verdict"]), text(&c["note"]))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_do_not_come_are_unknown_with_the_reason() {
    let dir = folder();
    let _kube = cluster(dir.path(), (&["/api/v1/nodes"], Instead::Silence)).await;
    tokio::task::spawn_blocking(move || {
        let (report, screen, took) = look(dir.path(), &["--request-timeout", "1s"]);
        assert!(took < Duration::from_secs(20), "{took:?}");
        assert_eq!(ids(&report), [""; 0], "{screen}");
        let late = "list nodes: no answer to list nodes within 1 s";
        for check in ["T102", "T216"] {
            assert_eq!(notes(&report, check), [("unknown".to_owned(), late.to_owned())]);
        }
        assert!(screen.contains("Not read nodes: no answer to list nodes within 1 s\n"), "{screen}");
        // The rest is judged as ever.
        assert!(notes(&report, "T507").iter().all(|(verdict, _)| verdict == "pass"), "{report:#}");
    })
    .await
    .unwrap();
}

/// Where time runs out altogether, what was under way is named, and nothing is called broken for the want of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_under_way_when_time_ran_out_is_named() {
    let dir = folder();
    let held: Held =
        (&["/apis/apps/v1/daemonsets", "/apis/monitoring.coreos.com/v1/servicemonitors"], Instead::Silence);
    let _kube = cluster(dir.path(), held).await;
    tokio::task::spawn_blocking(move || {
        let (report, screen, took) = look(dir.path(), &["--request-timeout", "60s", "--timeout", "3s"]);
        assert!(took < Duration::from_secs(20), "{took:?}");
        assert_eq!(ids(&report), [""; 0], "{screen}");
        let late = |name: &str| format!("list {name}: it did not come in time (hint: --timeout)");
        let told: Vec<String> = notes(&report, "T102").into_iter().map(|(_, note)| note).collect();
        let the_rest = "the rest: not everything could be read within 3 s (hint: --timeout)".to_owned();
        for expect in [the_rest, late("daemonsets.apps"), late("servicemonitors.monitoring.coreos.com")] {
            assert!(told.contains(&expect), "{expect}: {told:?}");
        }
        assert!(
            screen.contains("Not read servicemonitors.monitoring.coreos.com: it did not come"),
            "{screen}"
        );
    })
    .await
    .unwrap();
}

/// One kind answers badly, each way that an API server does: it is unknown with the reason, and the rest is judged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_kind_that_answers_badly_is_unknown_with_the_reason() {
    for (instead, reason) in [
        (Instead::Half, "no answer to list servicemonitors.monitoring.coreos.com within 1 s"),
        (Instead::Refusal(401, "Unauthorized"), "the credentials are not accepted"),
        (Instead::Refusal(403, "Forbidden"), "no right to list servicemonitors.monitoring.coreos.com"),
        (
            Instead::Refusal(410, "Expired"),
            "the list of servicemonitors.monitoring.coreos.com expired while it was read, twice",
        ),
        (Instead::Refusal(429, "TooManyRequests"), "the server is too busy (asks to wait 1 s)"),
        (Instead::Refusal(500, "InternalError"), "the server refused with status 500: InternalError it is"),
    ] {
        let dir = folder();
        let _kube = cluster(dir.path(), (&["/apis/monitoring.coreos.com/v1/servicemonitors"], instead)).await;
        tokio::task::spawn_blocking(move || {
            let own = [
                "--kubeconfig",
                "kubeconfig",
                "--no-prometheus",
                "--probe-nodes",
                "0",
                "--request-timeout",
                "1s",
            ];
            let begun = Instant::now();
            let ended = run(dir.path(), &[], &[&["doctor", "-o", "json"][..], &own].concat());
            assert!(begun.elapsed() < Duration::from_secs(25), "{instead:?}: {:?}", begun.elapsed());
            let report: Value = serde_json::from_str(&ended.out).unwrap();
            // A right that is missing is a finding of its own.
            let expect = if matches!(instead, Instead::Refusal(403, _)) { &["T102"][..] } else { &[] };
            assert_eq!(ids(&report), expect, "{instead:?}");
            let told = notes(&report, "T501");
            assert!(!told.is_empty(), "{report:#}");
            for (verdict, note) in told {
                assert_eq!(verdict, "unknown", "{instead:?}");
                assert!(note.contains(reason), "{instead:?}: {note}");
            }
            assert!(notes(&report, "T203").iter().all(|(verdict, _)| verdict == "pass"), "{report:#}");
        })
        .await
        .unwrap();
    }
}

/// What is held back, the commands that meet it, the reason that they say and what they advise.
type Case = (Held, &'static [&'static [&'static str]], &'static str, &'static str);

/// Somebody's monitors that were not read are not made a second time, and a journal that was not read is none that is not
/// there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn setup_writes_nothing_on_half_a_cluster() {
    const MONITORS: &str = "/apis/monitoring.coreos.com/v1/servicemonitors";
    const CONFIG_MAPS: &str = "/api/v1/configmaps";
    let silent = "no answer to list servicemonitors.monitoring.coreos.com within 1 s";
    const AGAIN: &str = "try again; ";
    let cases: [Case; 5] = [
        (
            (&[MONITORS], Instead::Silence),
            &[&["setup", "-y", "--no-prometheus"], &["setup", "status"]],
            silent,
            AGAIN,
        ),
        (
            (&[MONITORS], Instead::Refusal(500, "InternalError")),
            &[&["setup", "-y", "--no-prometheus"]],
            "InternalError it is",
            AGAIN,
        ),
        (
            (&[MONITORS], Instead::Refusal(403, "Forbidden")),
            &[&["setup", "-y", "--no-prometheus"]],
            "no right to list",
            "tortie rbac doctor ",
        ),
        (
            (&[CONFIG_MAPS], Instead::Refusal(429, "TooManyRequests")),
            &[&["setup", "undo", "-y"]],
            "too busy",
            AGAIN,
        ),
        (
            (&["/apis"], Instead::Refusal(500, "InternalError")),
            &[&["setup", "-y", "--no-prometheus"]],
            "the kinds that are served: ",
            AGAIN,
        ),
    ];
    for (held, commands, reason, hint) in cases {
        let (dir, instead) = (folder(), held.1);
        let kube = cluster(dir.path(), held).await;
        kube.take_requests();
        tokio::task::spawn_blocking(move || {
            for command in commands {
                let more = ["--kubeconfig", "kubeconfig", "--request-timeout", "1s"];
                let begun = Instant::now();
                let ended = run(dir.path(), &[], &[*command, &more[..]].concat());
                assert!(begun.elapsed() < Duration::from_secs(25), "{command:?}: {:?}", begun.elapsed());
                assert_eq!(
                    (ended.code, ended.out.as_str()),
                    (Some(3), ""),
                    "{command:?} {instead:?}: {}",
                    ended.err
                );
                assert!(ended.err.contains("not all of the cluster could be read:\n  "), "{}", ended.err);
                assert!(ended.err.contains(reason), "{command:?} {instead:?}: {}", ended.err);
                assert!(
                    ended.err.contains(&format!("(hint: {hint}")),
                    "{command:?} {instead:?}: {}",
                    ended.err
                );
            }
        })
        .await
        .unwrap();
        let writes: Vec<String> = kube
            .take_requests()
            .iter()
            .filter(|r| r.method != "GET" && !r.path.contains("selfsubject"))
            .map(|r| format!("{} {}", r.method, r.path))
            .collect();
        assert_eq!(writes, [""; 0], "{instead:?}");
    }
}
