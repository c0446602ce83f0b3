//! The files that a pod's volumes hold, and what the configuration reloader makes of them.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, bail};
use serde_json::Value;

use super::container::{expand, main_container, variables};
use crate::api::Api;

/// Contents by absolute path in the container.
pub(super) type Files = BTreeMap<String, Vec<u8>>;

/// Folder in which the list of written files is kept, outside of the container's paths.
const WRITTEN: &str = ".written";

/// All files of the pod's main container.
pub(super) fn wanted(api: &Api, pod: &Value) -> anyhow::Result<Files> {
    let volumes = volumes(api, pod)?;
    let mut out = mounted(main_container(pod)?, &volumes)?;
    let containers = pod["spec"]["containers"].as_array();
    for reloader in containers.into_iter().flatten().filter(|c| c["name"] == "config-reloader") {
        out.extend(reloaded(pod, reloader, &volumes)?);
    }
    Ok(out)
}

/// Writes what differs and removes what is no longer wanted; whether a reload is due.
pub(super) fn write(root: &Path, files: &Files) -> anyhow::Result<bool> {
    let list = root.join(WRITTEN);
    let before = std::fs::read_to_string(&list).unwrap_or_default();
    let mut changed = false;
    for path in before.lines().filter(|p| !files.contains_key(*p)) {
        std::fs::remove_file(inside(root, path))?;
        changed = true;
    }
    for (path, content) in files {
        let to = inside(root, path);
        if std::fs::read(&to).is_ok_and(|old| old == *content) {
            continue;
        }
        let parent = to.parent().context("a file without folder")?;
        std::fs::create_dir_all(parent)?;
        let new = parent.join(".new");
        std::fs::write(&new, content)?;
        std::fs::rename(&new, &to)?;
        changed = true;
    }
    let now: Vec<&str> = files.keys().map(String::as_str).collect();
    std::fs::write(list, now.join("\n"))?;
    Ok(changed)
}

/// The path in the container `path`, as it is outside.
pub(super) fn inside(root: &Path, path: &str) -> std::path::PathBuf {
    root.join(path.trim_start_matches('/'))
}

/// Contents by volume and file name. Empty directories have none.
fn volumes(api: &Api, pod: &Value) -> anyhow::Result<BTreeMap<String, Files>> {
    let mut out = BTreeMap::new();
    let namespace = pod["metadata"]["namespace"].as_str().context("a pod without namespace")?;
    for volume in pod["spec"]["volumes"].as_array().into_iter().flatten() {
        let name = volume["name"].as_str().unwrap_or_default().to_owned();
        let mut files = Files::new();
        if let Some(secret) = volume["secret"]["secretName"].as_str() {
            files = source(api, namespace, "secrets", secret, &volume["secret"])?;
        } else if let Some(map) = volume["configMap"]["name"].as_str() {
            files = source(api, namespace, "configmaps", map, &volume["configMap"])?;
        }
        for part in volume["projected"]["sources"].as_array().into_iter().flatten() {
            if let Some(secret) = part["secret"]["name"].as_str() {
                files.extend(source(api, namespace, "secrets", secret, &part["secret"])?);
            } else if let Some(map) = part["configMap"]["name"].as_str() {
                files.extend(source(api, namespace, "configmaps", map, &part["configMap"])?);
            }
        }
        out.insert(name, files);
    }
    Ok(out)
}

fn source(api: &Api, namespace: &str, plural: &str, name: &str, spec: &Value) -> anyhow::Result<Files> {
    let Some(object) = api.find(&format!("/api/v1/namespaces/{namespace}/{plural}/{name}"))? else {
        if spec["optional"] == true {
            return Ok(Files::new());
        }
        bail!("{plural} {namespace}/{name} is not there, and the pod mounts it");
    };
    let mut out = Files::new();
    for (key, value) in object["data"].as_object().into_iter().flatten() {
        let text = value.as_str().unwrap_or_default();
        let content = if plural == "secrets" { base64(text)? } else { text.as_bytes().to_vec() };
        out.insert(key.clone(), content);
    }
    for (key, value) in object["binaryData"].as_object().into_iter().flatten() {
        out.insert(key.clone(), base64(value.as_str().unwrap_or_default())?);
    }
    let Some(items) = spec["items"].as_array() else { return Ok(out) };
    let text = |v: &Value, key: &str| v[key].as_str().unwrap_or_default().to_owned();
    Ok(items.iter().filter_map(|i| Some((text(i, "path"), out.get(&text(i, "key"))?.clone()))).collect())
}

/// The files of a container by path.
fn mounted(container: &Value, volumes: &BTreeMap<String, Files>) -> anyhow::Result<Files> {
    let mut out = Files::new();
    for mount in container["volumeMounts"].as_array().into_iter().flatten() {
        let path = mount["mountPath"].as_str().context("a mount without path")?.trim_end_matches('/');
        let volume = volumes.get(mount["name"].as_str().unwrap_or_default());
        let files = volume.into_iter().flatten();
        match mount["subPath"].as_str() {
            Some(one) => {
                out.extend(files.filter(|(k, _)| *k == one).map(|(_, v)| (path.to_owned(), v.clone())));
            }
            None => out.extend(files.map(|(k, v)| (format!("{path}/{k}"), v.clone()))),
        }
    }
    Ok(out)
}

/// What the configuration reloader writes: the configuration, unpacked and with its variables filled in.
fn reloaded(pod: &Value, reloader: &Value, volumes: &BTreeMap<String, Files>) -> anyhow::Result<Files> {
    let argument = |name: &str| {
        let all = reloader["args"].as_array().into_iter().flatten().filter_map(Value::as_str);
        all.filter_map(|a| a.strip_prefix(name)).next().map(str::to_owned)
    };
    let (Some(from), Some(to)) = (argument("--config-file="), argument("--config-envsubst-file=")) else {
        return Ok(Files::new());
    };
    let files = mounted(reloader, volumes)?;
    let packed = files.get(&from).with_context(|| format!("{from}: the reloader finds no configuration"))?;
    let mut text = String::new();
    if from.ends_with(".gz") {
        flate2::read::GzDecoder::new(packed.as_slice()).read_to_string(&mut text)?;
    } else {
        text = String::from_utf8(packed.clone())?;
    }
    let filled = expand(&text, &variables(pod, reloader));
    Ok(Files::from([(to, filled.into_bytes())]))
}

/// The text in a Secret's field that holds it packed.
pub(crate) fn unpacked(field: &str) -> anyhow::Result<String> {
    let mut text = String::new();
    flate2::read::GzDecoder::new(base64(field)?.as_slice()).read_to_string(&mut text)?;
    Ok(text)
}

/// Decodes standard base64.
fn base64(text: &str) -> anyhow::Result<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut held) = (0_u32, 0);
    for byte in text.bytes().filter(|b| !b.is_ascii_whitespace() && *b != b'=') {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => bail!("not base64"),
        };
        bits = bits << 6 | u32::from(six);
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held) as u8);
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn base64_of_each_length() {
        for (text, expect) in [("", ""), ("YQ==", "a"), ("YWI=", "ab"), ("YWJj", "abc"), ("YWJjZA==", "abcd")]
        {
            assert_eq!(base64(text).unwrap(), expect.as_bytes());
        }
        assert!(base64("a-b").is_err());
    }

    #[test]
    fn a_sub_path_is_one_file() {
        let container = json!({ "volumeMounts": [
            { "name": "v", "mountPath": "/etc/web.yaml", "subPath": "web.yaml" },
            { "name": "v", "mountPath": "/all/" },
        ] });
        let files = Files::from([("web.yaml".to_owned(), vec![1]), ("b".to_owned(), vec![2])]);
        let got = mounted(&container, &BTreeMap::from([("v".to_owned(), files)])).unwrap();
        let paths: Vec<&str> = got.keys().map(String::as_str).collect();
        assert_eq!(paths, ["/all/b", "/all/web.yaml", "/etc/web.yaml"]);
    }
}
