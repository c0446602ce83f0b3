//! Credentials of kubeconfigs on a real API server: client certificates, OpenID Connect with its renewal; and what is said of
//! those that are over.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use tortie_testbed::openid::{ADDRESS, Issuer, REFRESH};
use tortie_testbed::{Bed, Options, until};

/// The doctor's report, its exit code, and all that it printed.
struct Told {
    report: Value,
    exit: Option<i32>,
    all: String,
}

/// The doctor as the user whose kubeconfig says `user`, lines of YAML.
fn doctor(bed: &Bed, user: &str) -> Told {
    let text = std::fs::read_to_string(bed.kubeconfig()).unwrap();
    let at = text.find("    token: ").expect("the administrator's token");
    let (before, after) = text.split_at(at);
    let (_, after) = after.split_once('\n').unwrap();
    let lines: String = user.lines().map(|l| format!("    {l}\n")).collect();
    let path = bed.folder().join("somebody.kubeconfig");
    std::fs::write(&path, format!("{before}{lines}{after}")).unwrap();
    let mut command = bed.command(env!("CARGO_BIN_EXE_tortie"));
    command.args(["doctor", "-o", "json"]).env("KUBECONFIG", &path).stdin(Stdio::null());
    let out = command.output().unwrap();
    let all = format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    let report = serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("{e}: {all}"));
    Told { report, exit: out.status.code(), all }
}

/// That the doctor gets in, and as whom.
#[track_caller]
fn gets_in(bed: &Bed, user: &str, name: &str) {
    let mark = bed.audit_events_since(0).unwrap().1;
    let told = doctor(bed, user);
    let version = told.report["cluster"]["kubernetes"].as_str().unwrap_or_default();
    assert!(version.starts_with("1.36"), "{}", told.all);
    assert_eq!(told.exit, Some(1), "an empty cluster has no Calico: {}", told.all);
    let findings = told.report["findings"].as_array().unwrap();
    assert!(!findings.iter().any(|f| ["T101", "T102"].contains(&f["id"].as_str().unwrap())), "{}", told.all);
    let (events, _) = bed.audit_events_since(mark).unwrap();
    let own = events.iter().filter(|e| e.agent.starts_with("tortie"));
    assert!(own.clone().count() > 10 && own.clone().all(|e| e.user == name), "not as {name}");
}

/// That it does not, with this reason in the finding, and without a credential in what it says.
#[track_caller]
fn stays_out(bed: &Bed, user: &str, reason: &str, secrets: &[&str]) {
    let told = doctor(bed, user);
    assert_eq!(told.exit, Some(1), "{}", told.all);
    let findings = told.report["findings"].as_array().unwrap();
    let ids: Vec<&str> = findings.iter().filter_map(|f| f["id"].as_str()).collect();
    assert_eq!(ids, ["T101"], "{}", told.all);
    let words = findings[0].to_string();
    assert!(words.contains(reason), "{reason}: {words}");
    for secret in secrets {
        assert!(!told.all.contains(secret), "a credential is shown: {}", told.all);
    }
}

fn base64(file: &Path) -> String {
    let out = Command::new("base64").arg("-w0").arg(file).output().unwrap();
    String::from_utf8(out.stdout).unwrap()
}

fn certified((certificate, key): &(PathBuf, PathBuf)) -> String {
    format!("client-certificate: {}\nclient-key: {}\n", certificate.display(), key.display())
}

#[test]
fn certificates_and_tokens() {
    let bed = Bed::start(Options { openid: Some(ADDRESS.to_owned()), ..Options::default() }).unwrap();
    let issuer = Issuer::start(&bed).unwrap();
    bed.kubectl_ok(&["create", "clusterrolebinding", "jane", "--clusterrole=cluster-admin", "--user=jane"])
        .unwrap();
    certificates(&bed);
    tokens(&bed, &issuer);
}

fn certificates(bed: &Bed) {
    let usage = "basicConstraints=CA:FALSE\nextendedKeyUsage=clientAuth\n";
    let good = bed.certificate("carol", "/O=system:masters/CN=carol", usage, 1).unwrap();
    gets_in(bed, &certified(&good), "carol");
    let inline =
        format!("client-certificate-data: {}\nclient-key-data: {}\n", base64(&good.0), base64(&good.1));
    gets_in(bed, &inline, "carol");
    let over = bed.certificate("carol-over", "/O=system:masters/CN=carol", usage, -1).unwrap();
    let key = std::fs::read_to_string(&over.1).unwrap();
    let secret = key.lines().nth(1).unwrap();
    stays_out(
        bed,
        &certified(&over),
        "does not accept the credentials of admin: its client certificate expired at 20",
        &[secret],
    );
}

/// `auth-provider: oidc` with a token, and more lines of its configuration.
fn provider(bed: &Bed, token: &str, more: &str) -> String {
    format!(
        "auth-provider:\n  name: oidc\n  config:\n    client-id: tortie\n    idp-issuer-url: {ADDRESS}\n    id-token: {token}\n    \
         idp-certificate-authority-data: {}\n{more}",
        base64(&bed.client_authority())
    )
}

fn tokens(bed: &Bed, issuer: &Issuer) {
    let good = issuer.token("jane", 600).unwrap();
    // The API server looks for its provider every ten seconds until it is there.
    until("the API server takes its provider's tokens", Duration::from_secs(60), || {
        let told = doctor(bed, &format!("token: {good}"));
        Ok(told.report["cluster"]["kubernetes"].as_str().is_some_and(|v| !v.is_empty()).then_some(()))
    })
    .unwrap();
    gets_in(bed, &format!("token: {good}"), "jane");
    gets_in(bed, &provider(bed, &good, ""), "jane");
    assert_eq!(issuer.renewed(), 0);

    let over = issuer.token("jane", -600).unwrap();
    let refresh = format!("    refresh-token: {REFRESH}\n");
    gets_in(bed, &provider(bed, &over, &refresh), "jane");
    assert_eq!(issuer.renewed(), 1);
    let public = issuer.forms().pop().unwrap();
    assert!(public.starts_with("- ") && public.ends_with("&client_id=tortie"), "{public}");
    let secret = format!("{refresh}    client-secret: hush-hush\n");
    gets_in(bed, &provider(bed, &over, &secret), "jane");
    let form = issuer.forms().pop().unwrap().to_lowercase();
    assert!(form.starts_with("authorization: basic ") && !form.contains("client_secret"), "{form}");

    let secrets = [over.as_str(), REFRESH, "hush-hush"];
    stays_out(bed, &format!("token: {over}"), "the credentials of admin: its token expired at 20", &secrets);
    let none = "and the kubeconfig has no refresh-token to renew it with";
    stays_out(bed, &provider(bed, &over, ""), none, &secrets);
    stays_out(bed, &provider(bed, &over, ""), "the OIDC token expired at 20", &secrets);
    issuer.refuse(true);
    let refused = format!("and {ADDRESS} does not renew it: status 400, invalid_grant");
    stays_out(bed, &provider(bed, &over, &secret), &refused, &secrets);
    issuer.refuse(false);
    // Without the authority that the kubeconfig names, the provider is not trusted.
    let trusted = provider(bed, &over, &refresh);
    let line = trusted.lines().find(|l| l.contains("authority")).unwrap();
    stays_out(
        bed,
        &trusted.replace(&format!("{line}\n"), ""),
        "its provider cannot be asked: the certificate of",
        &secrets,
    );
}
