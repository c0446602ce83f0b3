//! A cluster that cannot be reached: every command says what it tried, why that failed and what to do, in bounded time, and
//! never shows a credential.

use crate::doctor::run;
use crate::pki::{Pair, Pki};
use crate::process::{Ended, folder};
use crate::secure::start;
use std::path::Path;
use std::time::{Duration, Instant};

/// A kubeconfig with the context `c`.
fn kubeconfig(dir: &Path, name: &str, server: &str, authority: &str) {
    let authority =
        if authority.is_empty() { String::new() } else { format!(", certificate-authority: {authority}") };
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters: [{{name: c, cluster: {{server: '{server}'{authority}}}}}]\n\
         contexts: [{{name: c, context: {{cluster: c, user: u}}}}]\nusers: [{{name: u, user: {{token: s3cret-t0ken}}}}]\n"
    );
    std::fs::write(dir.join(name), text).unwrap();
}

/// The words of a screen, however its lines are broken.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn tortie(dir: &Path, command: &[&str], more: &[&str]) -> Ended {
    let env = [("HOME", dir.to_str().unwrap()), ("COLUMNS", "60"), ("LANG", "C.UTF-8")];
    run(dir, &env, &[command, more].concat())
}

/// The doctor has a finding of it; what else needs a cluster ends with 3 and says the same.
#[track_caller]
fn check(dir: &Path, more: &[&str], reason: &str, hint: &str) {
    let told = tortie(dir, &["doctor"], more);
    assert_eq!((told.code, told.err.as_str()), (Some(1), ""), "{more:?}: {}", told.out);
    let screen = words(&told.out);
    assert!(screen.contains("T101 Cannot reach the API server of "), "{more:?}: {}", told.out);
    assert!(screen.contains(reason) && screen.contains(hint), "{more:?}: {}", told.out);
    assert!(screen.contains(" Do make `kubectl "), "{more:?}: {}", told.out);
    let widest = told.out.lines().map(|l| l.chars().count()).max().unwrap();
    assert!(widest <= 60, "{widest}: {}", told.out);
    for command in [
        &["setup", "--dry-run"][..],
        &["setup", "-y"],
        &["setup", "status"],
        &["setup", "undo", "-y"],
        &["collect"],
        &["targets"],
        &["why", "felix"],
        &["fix"],
    ] {
        let begun = Instant::now();
        let told = tortie(dir, command, more);
        assert!(begun.elapsed() < Duration::from_secs(30), "{command:?}: {:?}", begun.elapsed());
        assert_eq!((told.code, told.out.as_str()), (Some(3), ""), "{command:?} {more:?}: {}", told.err);
        let said = words(&told.err);
        assert!(said.starts_with("tortie ") && said.contains(reason), "{command:?} {more:?}: {}", told.err);
        assert!(said.contains("hint: ") && said.contains(hint), "{command:?} {more:?}: {}", told.err);
        assert!(!said.contains("s3cret"), "{}", told.err);
    }
}

#[test]
fn kubeconfigs_that_lead_nowhere() {
    let dir = folder();
    let at = dir.path();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    kubeconfig(at, "k", &format!("http://{free}"), "");
    std::fs::write(at.join("bad"), "apiVersion: v1\nusers:\n- name: u\n  user: {token: s3cret-t0ken\n")
        .unwrap();
    std::fs::write(at.join("empty"), "apiVersion: v1\nkind: Config\n").unwrap();
    check(
        at,
        &[],
        "/.kube/config cannot be read: No such file",
        "give another: --kubeconfig FILE, or KUBECONFIG",
    );
    check(
        at,
        &["--kubeconfig", "none"],
        "the kubeconfig none cannot be read: No such file",
        "give another: ",
    );
    check(at, &["--kubeconfig", "bad"], "the kubeconfig bad is damaged (line ", "mend it, or give another: ");
    check(
        at,
        &["--kubeconfig", "empty"],
        "the kubeconfig has no current context",
        "choose one: --context NAME",
    );
    check(
        at,
        &["--kubeconfig", "k", "--context", "d"],
        "the kubeconfig has no context \"d\"",
        "its contexts are: c",
    );
    check(at, &["--kubeconfig", "k"], &format!("http://{free} cannot be reached: "), "is the cluster up");
    // What is printed to be pasted goes where the doctor went.
    let told = tortie(at, &["doctor"], &["--kubeconfig", "k", "--context", "c"]);
    assert!(
        words(&told.out).contains("make `kubectl --kubeconfig=k --context=c version` work"),
        "{}",
        told.out
    );
}

#[test]
fn servers_that_are_none() {
    let dir = folder();
    let at = dir.path();
    let (ours, others) = (Pki::new("ours"), Pki::new("others"));
    let good = ours.leaf("api", &["127.0.0.1"]);
    let over = ours.expired(&["127.0.0.1"]);
    std::fs::write(at.join("ca.pem"), &ours.ca).unwrap();
    std::fs::write(at.join("others.pem"), &others.ca).unwrap();
    let serve = |name: &str, pair: &Pair| {
        let own = at.join(name);
        std::fs::create_dir(&own).unwrap();
        let web = "tls_server_config: {cert_file: c.pem, key_file: c.key}\n";
        for (file, text) in
            [("prometheus.yml", ""), ("web.yml", web), ("c.pem", &pair.cert), ("c.key", &pair.key)]
        {
            std::fs::write(own.join(file), text).unwrap();
        }
        start(&own, &["--web.config.file=web.yml"])
    };
    let ((_one, valid), (_other, expired)) = (serve("valid", &good), serve("over", &over));
    kubeconfig(at, "expired", &format!("https://{expired}"), "ca.pem");
    let reason = format!("the certificate of https://{expired} is not accepted: ");
    check(
        at,
        &["--kubeconfig", "expired"],
        &reason,
        "the server's certificate must be renewed, or a clock is wrong",
    );
    kubeconfig(at, "stranger", &format!("https://{valid}"), "others.pem");
    let reason = format!("the certificate of https://{valid} is not accepted: ");
    check(at, &["--kubeconfig", "stranger"], &reason, "is not the one that signed the server's certificate");
    kubeconfig(at, "k", &format!("https://{valid}"), "ca.pem");
    let reason = format!("what answers at https://{valid} is no Kubernetes API server");
    check(
        at,
        &["--kubeconfig", "k"],
        &reason,
        "look at the server of the context: kubectl config view --minify",
    );
}

/// Addresses and files of flags that cannot be.
#[test]
fn flags_that_name_nothing() {
    let dir = folder();
    for (flags, expect) in [
        (&["--prom-url", "u:s3cret@h:9090"][..], "h:9090: not an http or https URL (hint: http://HOST:PORT)"),
        (&["--grafana-url", "h:3000"], "h:3000: not an http or https URL (hint: http://HOST:PORT)"),
        (
            &["--prom-url", "http://h", "--prom-token-file", "t"],
            "t cannot be read: No such file or directory (os error 2) (hint: the flag that names it takes the path of a file)",
        ),
        (
            &["--timeout", "soon"],
            "--timeout soon: not a valid duration string: \"soon\" (hint: --timeout 5s)",
        ),
    ] {
        let told = tortie(dir.path(), &["doctor"], flags);
        assert_eq!((told.code, told.out.as_str()), (Some(2), ""), "{flags:?}: {}", told.err);
        assert_eq!(told.err, format!("tortie doctor: {expect}\n"));
    }
}

/// Files of which none is Calico's: it is said that the chain was not judged.
#[test]
fn files_without_calico() {
    let dir = folder();
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: 1}]}\n";
    std::fs::write(dir.path().join("s.yaml"), service).unwrap();
    let told = tortie(dir.path(), &["doctor"], &["-f", "s.yaml"]);
    assert_eq!(told.code, Some(0), "{}", told.err);
    assert!(words(&told.out).contains("links to it are not judged (hint: --assume calico="), "{}", told.out);
    let told = tortie(dir.path(), &["doctor", "-o", "short"], &["-f", "s.yaml"]);
    assert_eq!(told.out, "no findings; no component was looked at\n");
}

/// Files, by what somebody would point at.
#[test]
fn files_that_hold_nothing() {
    let dir = folder();
    let at = dir.path();
    #[track_caller]
    fn check(at: &Path, args: &[&str], expect: &str) {
        let told = tortie(at, &["doctor"], args);
        assert_eq!((told.code, told.out.as_str()), (Some(2), ""), "{args:?}: {}", told.err);
        assert!(
            told.err.starts_with("tortie doctor: ") && words(&told.err).contains(expect),
            "{args:?}: {}",
            told.err
        );
    }
    std::fs::create_dir(at.join("folder")).unwrap();
    check(at, &["-f", "folder"], "there is no Kubernetes object in folder (hint: name manifests, ");
    std::fs::write(at.join("folder/notes.txt"), "nothing\n").unwrap();
    check(at, &["-f", "folder"], "there is no Kubernetes object in folder (hint: ");
    check(at, &["-f", "-"], "there is no Kubernetes object in standard input (hint: ");
    check(
        at,
        &["-f", "gone", "-f", "folder"],
        "gone: no such file (hint: name a file, a folder, a bundle or -)",
    );
    std::fs::write(at.join("folder/values.yaml"), "image: {tag: v1}\n").unwrap();
    check(at, &["-f", "folder"], "there is no Kubernetes object in folder (hint: ");
    std::fs::write(at.join("folder/a.yaml"), "kind: Service\nmetadata: {name: [\n").unwrap();
    std::fs::write(at.join("folder/b.yaml"), "a: \"b\n").unwrap();
    check(at, &["-f", "folder"], "folder/a.yaml:");
    check(at, &["-f", "folder"], "folder/b.yaml:");
    check(at, &["-f", "folder", "--assume", "calico=new"], "hint: ");
    check(
        at,
        &["-f", "folder", "--fail-on", "never"],
        "\"never\" is no level (hint: --fail-on fail, warn or info)",
    );
    check(
        at,
        &["-f", "folder", "--wait", "long"],
        "--wait long: not a valid duration string: \"long\" (hint: --wait 2m)",
    );
}
