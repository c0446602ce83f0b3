//! Everything that was recorded of real clusters, and every definition of a custom resource, is read whole.

use std::path::PathBuf;
use tortie_cluster::files;
use tortie_cluster::object::{EndpointSlice, Namespace, Node, Object, Pod, Service};
use tortie_host::fs::RealFs;

fn fixtures(name: &str) -> PathBuf {
    let folder = std::env::var_os("TORTIE_FIXTURES").expect("TORTIE_FIXTURES is the folder of the fixtures");
    PathBuf::from(folder).join(name)
}

fn read(name: &str) -> Vec<Object> {
    let (objects, problems) = files::read(&RealFs, &[fixtures(name)]);
    let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert!(told.is_empty(), "{}", told.join("\n"));
    objects
}

#[test]
fn recorded_clusters() {
    let started = std::time::Instant::now();
    let objects = read("clusters");
    println!("{} objects read in {:?}", objects.len(), started.elapsed());
    assert!(objects.len() > 1000, "{}", objects.len());
    let mut slim = 0;
    for object in &objects {
        let name = format!("{} {:?}", object.reference(), object.origin);
        assert!(object.meta.created.is_some() && !object.meta.uid.is_empty(), "{name}");
        assert!(object.meta.managed.iter().all(|m| m.fields.is_object() && m.time.is_some()), "{name}");
        // The place of the name, found anew in the text, must show that name.
        let origin = object.origin.as_ref().unwrap();
        let (line, _) = origin.position("/metadata/name").unwrap();
        let text = origin.line_text(line).unwrap();
        let secret = object.gvk.is("", "Secret");
        assert!(secret || text.contains(&format!("\"name\": \"{}\"", object.meta.name)), "{name}: {text}");
        // A slim struct, written and read again, is the same.
        let again = |json| Object::parse(json).unwrap();
        match object.gvk.kind.as_str() {
            "Pod" => {
                let pod = Pod::from_object(object).unwrap();
                assert!(!pod.containers.is_empty(), "{name}");
                assert_eq!(Pod::from_object(&again(pod.to_json())).unwrap(), pod);
            }
            "Service" => {
                let service = Service::from_object(object).unwrap();
                let back = Service::from_object(&again(service.to_json())).unwrap();
                assert_eq!(back, Service { origin: None, ..service });
            }
            "EndpointSlice" => {
                let slice = EndpointSlice::from_object(object).unwrap();
                assert!(!slice.service.is_empty(), "{name}");
                assert_eq!(EndpointSlice::from_object(&again(slice.to_json())).unwrap(), slice);
            }
            "Node" => {
                let node = Node::from_object(object).unwrap();
                assert!(node.ready && node.os == "linux", "{name}");
                assert_eq!(Node::from_object(&again(node.to_json())).unwrap(), node);
            }
            "Namespace" => {
                let namespace = Namespace::from_object(object).unwrap();
                assert_eq!(Namespace::from_object(&again(namespace.to_json())).unwrap(), namespace);
            }
            _ => continue,
        }
        slim += 1;
    }
    assert!(slim > 100, "{slim}");
}

#[test]
fn definitions_of_custom_resources() {
    let started = std::time::Instant::now();
    let objects = read("crds");
    println!("{} objects read in {:?}", objects.len(), started.elapsed());
    let kinds: Vec<&str> = objects.iter().filter_map(|o| o.text("/spec/names/kind")).collect();
    for kind in ["FelixConfiguration", "Installation", "ServiceMonitor", "PrometheusRule"] {
        assert!(kinds.contains(&kind), "{kind}");
    }
}
