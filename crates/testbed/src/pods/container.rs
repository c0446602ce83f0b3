//! A container: a folder as its root, the peer's binary in it, its arguments and environment.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use serde_json::Value;

use super::files::inside;
use crate::api::Api;
use crate::bed::{API_PORT, HOST};
use crate::namespace::Namespace;
use crate::process::binary;

/// Where a container finds its ServiceAccount's token.
const ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// The container that has a peer's binary, and its port.
pub(super) fn main_container(pod: &Value) -> anyhow::Result<&Value> {
    let containers = pod["spec"]["containers"].as_array().into_iter().flatten();
    containers.into_iter().find(|c| server(c).is_some()).context("no container with a peer's binary")
}

/// The name of that container.
pub(super) fn name(pod: &Value) -> anyhow::Result<&str> {
    main_container(pod)?["name"].as_str().context("a container without a name")
}

fn server(container: &Value) -> Option<(&'static str, u16)> {
    match container["name"].as_str()? {
        "prometheus" => Some(("prometheus", 9090)),
        "alertmanager" => Some(("alertmanager", 9093)),
        _ => None,
    }
}

/// Makes the container's root: folders, the binary with the libraries that it names, the account's token.
pub(super) fn prepare(api: &Api, pod: &Value, root: &Path, authority: &Path) -> anyhow::Result<SocketAddr> {
    let container = main_container(pod)?;
    let (name, port) = server(container).context("no server")?;
    for folder in ["bin", "tmp", "etc", "dev", "prometheus", "alertmanager", &ACCOUNT[1..]] {
        std::fs::create_dir_all(root.join(folder))?;
    }
    std::fs::write(root.join("etc/hosts"), "127.0.0.1 localhost\n")?;
    let program = binary(name)?;
    for library in libraries(&program)? {
        let to = inside(root, &library);
        std::fs::create_dir_all(to.parent().context("a library without folder")?)?;
        std::fs::copy(&library, to)?;
    }
    // A container that starts again has it. A copy over the link would empty the program itself.
    let own = root.join("bin").join(name);
    if !own.exists() && std::fs::hard_link(&program, &own).is_err() {
        std::fs::copy(&program, &own)?;
    }
    for mount in container["volumeMounts"].as_array().into_iter().flatten() {
        if mount["subPath"].is_null() {
            std::fs::create_dir_all(inside(root, mount["mountPath"].as_str().unwrap_or_default()))?;
        }
    }
    account(api, pod, &inside(root, ACCOUNT), authority)?;
    let ip: IpAddr = pod["status"]["podIP"].as_str().context("a pod without address")?.parse()?;
    Ok(SocketAddr::new(ip, port))
}

fn account(api: &Api, pod: &Value, folder: &Path, authority: &Path) -> anyhow::Result<()> {
    // A container that starts again finds the token that its pod had.
    if folder.join("token").exists() {
        return Ok(());
    }
    let namespace = pod["metadata"]["namespace"].as_str().unwrap_or_default();
    let name = pod["spec"]["serviceAccountName"].as_str().unwrap_or("default");
    let token = crate::bed::token(api, namespace, name)?;
    std::fs::write(folder.join("token"), token)?;
    std::fs::write(folder.join("namespace"), namespace)?;
    std::fs::copy(authority, folder.join("ca.crt"))?;
    Ok(())
}

/// Paths of the shared libraries that `program` needs; none for a static one.
fn libraries(program: &Path) -> anyhow::Result<Vec<String>> {
    let out = Command::new("ldd").arg(program).output().context("cannot run ldd")?;
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    Ok(text
        .lines()
        .filter_map(|line| line.split_whitespace().find(|word| word.starts_with('/')))
        .map(str::to_owned)
        .collect())
}

/// The command that runs the pod's server at `address`.
pub(super) fn command(
    namespace: &Namespace,
    pod: &Value,
    root: &Path,
    address: SocketAddr,
) -> anyhow::Result<Command> {
    let container = main_container(pod)?;
    let (name, _) = server(container).context("no server")?;
    let variables = variables(pod, container);
    let mut command = namespace.command("chroot");
    command.arg(root).arg(PathBuf::from("/bin").join(name));
    let mut listens = false;
    for argument in container["args"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        let argument = expand(argument, &variables);
        match argument.strip_prefix("--web.listen-address=") {
            None => {
                command.arg(argument);
            }
            Some(own) => {
                listens = true;
                command.arg(format!("--web.listen-address={}", bound(own, address)?));
            }
        }
    }
    if !listens {
        command.arg(format!("--web.listen-address={address}"));
    }
    command.env_clear().envs(variables).env("HOME", "/").env("PATH", "/bin");
    command.env("KUBERNETES_SERVICE_HOST", HOST).env("KUBERNETES_SERVICE_PORT", API_PORT.to_string());
    // `nsenter`, `setpriv` and `chroot` are looked for outside.
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", path);
    Ok(command)
}

/// All pods share one device: what would listen everywhere listens at the pod's address.
fn bound(own: &str, address: SocketAddr) -> anyhow::Result<String> {
    let (host, port) = own.rsplit_once(':').context("a listening address without port")?;
    match host {
        "" | "0.0.0.0" | "[::]" => Ok(format!("{}:{port}", address.ip())),
        host if port.parse::<u16>().is_ok() => Ok(format!("{host}:{port}")),
        _ => bail!("{own}: not an address"),
    }
}

/// The container's environment, as far as it is plain or about the pod.
pub(super) fn variables(pod: &Value, container: &Value) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    for variable in container["env"].as_array().into_iter().flatten() {
        let Some(name) = variable["name"].as_str() else { continue };
        let field = variable["valueFrom"]["fieldRef"]["fieldPath"].as_str().unwrap_or_default();
        let value = match variable["value"].as_str() {
            Some(value) => value,
            None => pod
                .pointer(&format!("/{}", field.replace('.', "/")))
                .and_then(Value::as_str)
                .unwrap_or_default(),
        };
        out.insert(name.to_owned(), value.to_owned());
    }
    out
}

/// Fills `$(NAME)` in.
pub(super) fn expand(text: &str, variables: &BTreeMap<String, String>) -> String {
    variables.iter().fold(text.to_owned(), |t, (name, value)| t.replace(&format!("$({name})"), value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn variables_come_from_the_pod() {
        let pod = json!({ "metadata": { "name": "p-0" }, "status": { "podIP": "10.99.64.2" } });
        let container = json!({ "env": [
            { "name": "POD_NAME", "valueFrom": { "fieldRef": { "fieldPath": "metadata.name" } } },
            { "name": "SHARD", "value": "0" },
        ] });
        assert_eq!(expand("$(POD_NAME)/$(SHARD)/$(X)", &variables(&pod, &container)), "p-0/0/$(X)");
    }

    #[test]
    fn everywhere_is_the_pods_address() {
        let at = "10.99.64.2:9090".parse().unwrap();
        assert_eq!(bound(":9093", at).unwrap(), "10.99.64.2:9093");
        assert_eq!(bound("127.0.0.1:9090", at).unwrap(), "127.0.0.1:9090");
    }
}
