//! The image: what `image/oci-archive` packs is an OCI image layout whose every digest and size is right, the same for the
//! same binary, and nothing that needs libraries gets in.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn pack(binary: &Path, out: &Path) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../image/oci-archive");
    Command::new(script).arg(binary).arg("1.2.3").arg(out).output().unwrap()
}

fn said(command: &mut Command) -> String {
    let out = command.output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn digest(path: &Path) -> String {
    let said = said(Command::new("sha256sum").arg(path));
    format!("sha256:{}", said.split_whitespace().next().unwrap())
}

/// The blob that a descriptor names, which must have its digest and its size.
#[track_caller]
fn blob(layout: &Path, of: &Value, media_type: &str) -> PathBuf {
    assert_eq!(of["mediaType"], media_type);
    let name = of["digest"].as_str().unwrap();
    let path = layout.join("blobs/sha256").join(name.trim_start_matches("sha256:"));
    assert_eq!(digest(&path), name);
    assert_eq!(std::fs::metadata(&path).unwrap().len(), of["size"].as_u64().unwrap());
    path
}

#[test]
fn an_archive_is_an_image_layout_and_always_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let binary = dir.path().join("static");
    std::fs::write(&binary, "not linked against anything").unwrap();
    let (first, second) = (dir.path().join("a.tar"), dir.path().join("b.tar"));
    for out in [&first, &second] {
        let packed = pack(&binary, out);
        assert!(packed.status.success(), "{}", String::from_utf8_lossy(&packed.stderr));
    }
    assert_eq!(digest(&first), digest(&second));

    let layout = dir.path().join("layout");
    std::fs::create_dir(&layout).unwrap();
    said(Command::new("tar").arg("-xf").arg(&first).arg("-C").arg(&layout));
    assert_eq!(json(&layout.join("oci-layout"))["imageLayoutVersion"], "1.0.0");
    let index = json(&layout.join("index.json"));
    let [manifest] = index["manifests"].as_array().unwrap().as_slice() else { panic!("{index}") };
    assert_eq!(manifest["annotations"]["org.opencontainers.image.ref.name"], "1.2.3");
    let manifest = json(&blob(&layout, manifest, "application/vnd.oci.image.manifest.v1+json"));
    let config = json(&blob(&layout, &manifest["config"], "application/vnd.oci.image.config.v1+json"));
    assert_eq!(config["config"]["User"], "65534:65534");
    assert_eq!(config["config"]["Entrypoint"], serde_json::json!(["/tortie"]));
    let [layer] = manifest["layers"].as_array().unwrap().as_slice() else { panic!("{manifest}") };
    let layer = blob(&layout, layer, "application/vnd.oci.image.layer.v1.tar+gzip");

    let plain = dir.path().join("layer.tar");
    std::fs::write(&plain, said(Command::new("gzip").arg("-dc").arg(&layer))).unwrap();
    assert_eq!(config["rootfs"]["diff_ids"], serde_json::json!([digest(&plain)]));
    let list = said(Command::new("tar").args(["--numeric-owner", "-tvf"]).arg(&plain));
    let entries: Vec<String> = list
        .lines()
        .map(|l| {
            let words: Vec<&str> = l.split_whitespace().collect();
            format!("{} {} {}", words[0], words[1], words[5])
        })
        .collect();
    // Nothing but the program and the folders that it writes, owned by the user as whom it runs.
    assert_eq!(
        entries,
        ["drwxr-xr-x 65534/65534 data/", "drwxrwxrwt 65534/65534 tmp/", "-rwxr-xr-x 65534/65534 tortie"]
    );
}

#[test]
fn what_needs_libraries_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("a.tar");
    let packed = pack(&std::env::current_exe().unwrap(), &out);
    assert_eq!(packed.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&packed.stderr).contains("hint: make image"));
    assert!(!out.exists());
}
