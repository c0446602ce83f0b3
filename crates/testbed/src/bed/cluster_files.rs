//! Files that the parts of a bed need before they start: tokens, keys, kubeconfigs, kwok's stages, the audit policy.

use std::path::Path;

use super::{API_PORT, HOST, stages};
use crate::openssl::openssl;

/// Tokens of the API server with their users; all are cluster administrators.
pub(super) const USERS: &[&str] = &["admin", "bed", "kube-controller-manager", "kube-scheduler", "kwok"];

/// What the audit log keeps: requests with their answer's status, without bodies, and not those of the cluster's own
/// parts.
const AUDIT_POLICY: &str = r#"apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
rules:
- level: None
  users: [bed, kube-controller-manager, kube-scheduler, kwok, "system:apiserver"]
- level: Metadata
"#;

pub(super) fn write(folder: &Path) -> anyhow::Result<()> {
    for name in ["logs", "etcd", "certs"] {
        std::fs::create_dir_all(folder.join(name))?;
    }
    let users: String = USERS.iter().map(|u| format!("{},{u},{u},\"system:masters\"\n", token(u))).collect();
    std::fs::write(folder.join("tokens.csv"), users)?;
    std::fs::write(folder.join("stages.yaml"), stages::configuration())?;
    std::fs::write(folder.join("audit-policy.yaml"), AUDIT_POLICY)?;
    key(&folder.join("service-account.key"))?;
    crate::openssl::authority(folder)?;
    for user in USERS {
        // The API server's own certificate is not there yet; the parts inside do not check it.
        std::fs::write(path(folder, user), kubeconfig(user, &token(user), None))?;
    }
    Ok(())
}

/// The kubeconfig of `user`.
pub(super) fn path(folder: &Path, user: &str) -> std::path::PathBuf {
    folder.join(format!("{user}.kubeconfig"))
}

/// The token of one of [`USERS`].
pub(super) fn token(user: &str) -> String {
    format!("{user}-token")
}

/// A kubeconfig with one context, `bed`. Without the file of an authority the server's certificate is not checked.
pub(super) fn kubeconfig(user: &str, token: &str, authority: Option<&Path>) -> String {
    let trust = match authority {
        Some(file) => format!("certificate-authority: {}", file.display()),
        None => "insecure-skip-tls-verify: true".to_owned(),
    };
    format!(
        r#"apiVersion: v1
kind: Config
current-context: bed
clusters:
- name: bed
  cluster:
    server: https://{HOST}:{API_PORT}
    {trust}
users:
- name: {user}
  user:
    token: {token}
contexts:
- name: bed
  context:
    cluster: bed
    user: {user}
"#
    )
}

/// The key that signs ServiceAccounts' tokens.
fn key(path: &Path) -> anyhow::Result<()> {
    let to = path.display().to_string();
    openssl(&["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", &to], b"").map(drop)
}
