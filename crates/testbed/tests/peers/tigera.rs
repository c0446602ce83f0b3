//! The real Tigera operator, v1.36.5: Calico 3.29.

use std::time::Instant;

use serde_json::json;
use tortie_testbed::{Bed, Options, installs, operators};

#[test]
fn the_real_operator_sets_typhas_environment_back() {
    let begin = Instant::now();
    let bed = Bed::start(Options { port_forward: false, ..Options::default() }).unwrap();
    operators::tigera_crds(&bed).unwrap();
    bed.api()
        .create(
            &json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "tigera-operator" } }),
            "kubectl-create",
        )
        .unwrap();
    let mut operator = operators::tigera_operator(&bed).unwrap();
    bed.apply_objects(&[installs::installation()]).unwrap();
    let typha = "/apis/apps/v1/namespaces/calico-system/deployments/calico-typha";
    bed.wait("calico-typha", |api| {
        operator.check()?;
        api.find(typha)
    })
    .unwrap_or_else(|e| panic!("{e:#}\n{}", operator.tail(30)));
    println!("calico-typha after {:?}", begin.elapsed());
    let env = [
        "set",
        "env",
        "-n",
        "calico-system",
        "deployment/calico-typha",
        "TYPHA_PROMETHEUSMETRICSENABLED=true",
    ];
    bed.kubectl_ok(&env).unwrap();
    bed.wait("environment set back", |api| {
        let now = api.get(typha)?;
        let text = now["spec"]["template"]["spec"]["containers"][0]["env"].to_string();
        let operators = now["metadata"]["managedFields"].as_array().into_iter().flatten();
        let manager = operators.into_iter().any(|m| m["manager"] == "operator");
        Ok((manager && !text.contains("PROMETHEUSMETRICSENABLED")).then_some(()))
    })
    .unwrap_or_else(|e| panic!("{e:#}\n{}", operator.tail(30)));
    println!("environment set back after {:?}", begin.elapsed());
}
