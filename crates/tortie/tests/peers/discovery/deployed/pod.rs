//! The container of the deployed pod, played: its arguments, its account's token at its place, its user, no capability, its own
//! `/run` as the only folder it can write.

use super::exports::Exported;
use tortie_testbed::{Bed, Process};

/// Where it listens, inside.
pub(super) const ADDRESS: &str = "127.0.0.1:9190";

/// A mount namespace with the account's files; then the program as nobody, who may gain nothing.
const SCRIPT: &str = r#"mount -t tmpfs tmpfs /run
account=/run/secrets/kubernetes.io/serviceaccount
mkdir -p "$account" /run/data /run/empty
cp "$FILES"/token "$FILES"/namespace "$FILES"/ca.crt "$account"
chmod -R a+rX /run/secrets
chown 65534:65534 /run/data
touch /run/tortie
mount --bind "$PROGRAM" /run/tortie
cd /run/empty
exec setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all --pdeathsig KILL -- /run/tortie "$@""#;

/// Starts it with the arguments that the StatefulSet gives it.
pub(super) fn start(bed: &Bed, exported: &Exported) -> Process {
    let container = &exported.of("StatefulSet")["spec"]["template"]["spec"]["containers"][0];
    let arguments = container["args"].as_array().unwrap().iter().map(|a| a.as_str().unwrap());
    // The volume is a folder of its own here, and all pods share one device.
    let mut arguments: Vec<String> = arguments.map(|a| a.replace("=/data", "=/run/data")).collect();
    arguments.extend([format!("--web.listen-address={ADDRESS}"), "--calico-interval=1s".to_owned()]);
    played(bed, "tortie-pod", &arguments)
}

/// Starts it without a word of what to scrape.
pub(super) fn start_bare(bed: &Bed, name: &str, address: &str) -> Process {
    let listen = format!("--web.listen-address={address}");
    played(bed, name, &["run".to_owned(), "--storage.tsdb.path=/run/data".to_owned(), listen])
}

fn played(bed: &Bed, name: &str, arguments: &[String]) -> Process {
    let files = bed.folder().join("account");
    std::fs::create_dir_all(&files).unwrap();
    std::fs::write(files.join("token"), bed.token("watchers", "tortie").unwrap()).unwrap();
    std::fs::write(files.join("namespace"), "watchers").unwrap();
    std::fs::copy(bed.authority(), files.join("ca.crt")).unwrap();
    let mut command = bed.namespace().command("unshare");
    command.args(["--mount", "--", "sh", "-ec", SCRIPT, "sh"]).args(arguments);
    command.env("FILES", &files).env("PROGRAM", env!("CARGO_BIN_EXE_tortie")).env_remove("KUBECONFIG");
    command.env("KUBERNETES_SERVICE_HOST", "10.99.0.1").env("KUBERNETES_SERVICE_PORT", "6443");
    bed.run(name, command).unwrap()
}
