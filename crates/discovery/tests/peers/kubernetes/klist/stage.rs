//! The cluster with its pods that come and go, and a watcher for each fault.

use super::cases::Case;
use super::watcher::{JOBS, Listed, Watcher};
use super::{BOUND, counted};
use crate::real;
use serde_json::{Value, json};
use std::collections::{BTreeSet, VecDeque};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tortie_testbed::{Bed, FaultyProxy, Options};

/// The one that asks the API server itself.
const DIRECT: &str = "direct";
/// Kinds that discovery reads.
pub(super) const KINDS: &[&str] = &["pods", "services", "namespaces", "nodes", "endpointslices", "endpoints"];
/// The namespace that goes.
const LEAVING: &str = "leaving";

pub(super) struct Stage {
    watchers: Vec<Watcher>,
    _runtime: Runtime,
    bed: Bed,
    made: usize,
    began: Instant,
    /// Since when nothing is wrong.
    well: Option<Instant>,
    lines: Vec<String>,
    /// What was listed at each of the last looks.
    seen: VecDeque<(Instant, Listed)>,
}

/// A fault's way with the cluster around it.
pub(super) struct Scene<'a> {
    pub(super) proxy: &'a FaultyProxy,
    bed: &'a Bed,
    name: &'static str,
}

impl Scene<'_> {
    /// Leaves its account the right to read these kinds.
    pub(super) fn rights(&self, kinds: &[&str]) {
        self.bed.api().apply(&role(self.name, kinds), "klist", true).unwrap();
    }

    /// Whether its account may read in namespace `other`.
    pub(super) fn bound_in_other(&self, bound: bool) {
        let binding = binding_in(self.name, "other");
        match bound {
            true => drop(self.bed.api().apply(&binding, "klist", true).unwrap()),
            false => self.bed.api().delete(&tortie_testbed::path_of(&binding).unwrap()).unwrap(),
        }
    }

    /// The account goes, and with it its tokens, and one of the same name comes.
    pub(super) fn another_account(&self) {
        let account = account(self.name);
        self.bed.api().delete(&tortie_testbed::path_of(&account).unwrap()).unwrap();
        self.bed.api().create(&account, "klist").unwrap();
    }

    /// Writes a token of the account into the file that the kubeconfig names.
    pub(super) fn write_token(&self) {
        write_token(self.bed, self.name);
    }
}

fn account(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": "default"}})
}

fn role(name: &str, kinds: &[&str]) -> Value {
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": format!("klist-{name}")},
        "rules": [{"apiGroups": ["", "discovery.k8s.io"], "resources": kinds, "verbs": ["get", "list", "watch"]}],
    })
}

fn binding(name: &str) -> Value {
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": format!("klist-{name}")},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": format!("klist-{name}")},
        "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": "default"}],
    })
}

fn binding_in(name: &str, namespace: &str) -> Value {
    let mut object = binding(name);
    object["kind"] = json!("RoleBinding");
    object["metadata"]["namespace"] = json!(namespace);
    object
}

fn token_file(bed: &Bed, name: &str) -> PathBuf {
    bed.folder().join(format!("{name}.token"))
}

fn write_token(bed: &Bed, name: &str) {
    let token = bed.token("default", name).unwrap();
    std::fs::write(token_file(bed, name), token).unwrap();
}

/// A kubeconfig of an account at a server.
fn kubeconfig(bed: &Bed, name: &str, server: &str) -> PathBuf {
    write_token(bed, name);
    let text = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "x",
        "clusters": [{"name": "x", "cluster": match server.starts_with("https") {
            true => json!({"server": server, "certificate-authority": authority(bed)}),
            false => json!({"server": server}),
        }}],
        "users": [{"name": "x", "user": {"tokenFile": token_file(bed, name)}}],
        "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
    });
    let path = bed.folder().join(format!("{name}.kubeconfig"));
    std::fs::write(&path, text.to_string()).unwrap();
    path
}

/// What discovery makes of an object: the job, and each target in the words of [`Listed`].
fn words(object: &Value) -> Option<(&'static str, Vec<String>)> {
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let list = |v: &Value| v.as_array().cloned().unwrap_or_default();
    let meta = &object["metadata"];
    let namespace = text(&meta["namespace"]);
    let (job, all): (_, Vec<(String, String, String)>) = match object["kind"].as_str()? {
        "Pod" => ("pod", vec![(String::new(), text(&object["status"]["podIP"]), String::new())]),
        "Endpoints" => {
            let subsets = list(&object["subsets"]);
            let of = |kind: &'static str, ready: bool| {
                let all = subsets.iter().flat_map(move |s| list(&s[kind]));
                all.map(move |a| (text(&meta["name"]), text(&a["ip"]), format!("ready {ready}")))
            };
            ("endpoints", of("addresses", true).chain(of("notReadyAddresses", false)).collect())
        }
        _ => {
            let service = text(&meta["labels"]["kubernetes.io/service-name"]);
            let one = |e: Value| {
                let state = &e["conditions"];
                let state = format!("ready {} terminating {}", state["ready"], state["terminating"]);
                list(&e["addresses"]).into_iter().map(move |a| (text(&a), state.clone()))
            };
            let all = list(&object["endpoints"]).into_iter().flat_map(one);
            ("endpointslice", all.map(|(a, state)| (service.clone(), a, state)).collect())
        }
    };
    // The API server's own Service is in a namespace of theirs.
    let mine = all.into_iter().filter(|(_, a, _)| !a.is_empty() && a != "10.99.0.1");
    Some((job, mine.map(|(of, address, state)| format!("{namespace}/{of} {address} {state}")).collect()))
}

fn pod(name: &str, namespace: &str, node: usize) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace, "labels": {"app": "x"}},
        "spec": {"nodeName": format!("node{node}"), "containers": [{"name": "c", "image": "i", "ports": [{"containerPort": 80}]}]}})
}

/// A slice by hand of Service `mixed`: one endpoint more is unready, and one more terminates, with each turn.
fn mixed(family: u8, turn: usize) -> Value {
    let address = |i: usize| match family {
        4 => format!("10.99.200.{}", 1 + (turn + i) % 200),
        _ => format!("fd00:99::{:x}", 1 + (turn + i) % 200),
    };
    let endpoint = |i: usize| {
        let (ready, terminating) = ((turn + i).is_multiple_of(2), (turn + i).is_multiple_of(3));
        json!({"addresses": [address(i)], "conditions": {"ready": ready && !terminating, "serving": ready, "terminating": terminating}})
    };
    json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": format!("IPv{family}"),
        "metadata": {"name": format!("mixed-{family}"), "namespace": "default", "labels": {"kubernetes.io/service-name": "mixed"}},
        "ports": [{"name": "", "port": 80, "protocol": "TCP"}], "endpoints": (0..4).map(endpoint).collect::<Vec<_>>(),
    })
}

/// The file of the authority that a kubeconfig names.
fn authority(bed: &Bed) -> PathBuf {
    bed.folder().join("klist-ca.crt")
}

impl Stage {
    /// A cluster with pods in two namespaces and a watcher for each case, and one that asks the API server itself.
    pub(super) fn start(cases: &[Case]) -> Stage {
        let bed = Bed::start(Options { port_forward: false, ..Options::default() }).unwrap();
        std::fs::copy(bed.authority(), authority(&bed)).unwrap();
        for name in ["other", LEAVING] {
            let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
            bed.api().create(&namespace, "klist").unwrap();
        }
        // Two Services have the same pods.
        for (namespace, name) in
            ["default", "other", LEAVING].into_iter().flat_map(|ns| ["all", "same"].map(|name| (ns, name)))
        {
            let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": namespace},
                "spec": {"selector": {"app": "x"}, "ports": [{"port": 80}]}});
            bed.api().create(&service, "klist").unwrap();
        }
        let by_hand = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "mixed", "namespace": "default"},
            "spec": {"ports": [{"port": 80}]}});
        bed.api().create(&by_hand, "klist").unwrap();
        for i in 0..3 {
            bed.api().create(&pod(&format!("l{i}"), LEAVING, 1 + i % 3), "klist").unwrap();
        }
        let runtime = real::runtime(&bed);
        let mut watchers = Vec::new();
        for (i, case) in cases.iter().enumerate() {
            rights(&bed, case.name, case.namespaces);
            let proxy = FaultyProxy::open(&bed, &format!("10.99.0.1:{}", 7100 + i)).unwrap();
            let file = kubeconfig(&bed, case.name, &format!("http://{}", proxy.address()));
            watchers.push(Watcher::start(*case, Some(proxy), &file, &runtime));
        }
        rights(&bed, DIRECT, &[]);
        let file = kubeconfig(&bed, DIRECT, "https://10.99.0.1:6443");
        let direct = Case { name: DIRECT, what: "K-06: the authority changes", unharmed: &JOBS, ..cases[0] };
        watchers.push(Watcher::start(direct, None, &file, &runtime));
        let mut stage = Stage {
            watchers,
            _runtime: runtime,
            bed,
            made: 0,
            began: Instant::now(),
            well: None,
            lines: Vec::new(),
            seen: VecDeque::new(),
        };
        (0..6).for_each(|_| stage.change());
        stage
    }

    /// Makes a pod in each of two namespaces in turn, and deletes the oldest when there are many.
    fn change(&mut self) {
        self.made += 1;
        let place = |i: usize| if i.is_multiple_of(2) { "default" } else { "other" };
        let object = pod(&format!("p{}", self.made), place(self.made), 1 + self.made % 3);
        // The API server may be away.
        let made = self.bed.api().create(&object, "klist");
        if made.is_ok() && self.made > 8 {
            let old = self.made - 8;
            let _ = self.bed.api().delete(&format!("/api/v1/namespaces/{}/pods/p{old}", place(old)));
        }
        for family in [4, 6] {
            let _ = self.bed.api().apply(&mixed(family, self.made), "klist", true);
        }
    }

    /// Deletes a namespace with its pods and Services.
    pub(super) fn leave(&self) {
        self.bed.api().delete(&format!("/api/v1/namespaces/{LEAVING}")).unwrap();
    }

    /// Nothing of the namespace that was deleted is listed any more, so that it was compared without it.
    #[track_caller]
    pub(super) fn has_left(&self) {
        let listed = self.listed().unwrap();
        let left: Vec<&String> = listed.values().flatten().filter(|w| w.starts_with(LEAVING)).collect();
        assert!(left.is_empty(), "{left:?}");
    }

    /// What kubectl lists; none when the API server does not answer.
    fn listed(&self) -> Option<Listed> {
        let kinds = "pods,endpointslices.discovery.k8s.io,endpoints";
        let out = self.bed.kubectl(&["get", kinds, "-A", "-o", "json", "--request-timeout=5s"]).unwrap();
        let list: Value = serde_json::from_str(&out.stdout).ok()?;
        let mut all: Listed = JOBS.iter().map(|job| (*job, BTreeSet::new())).collect();
        for object in list["items"].as_array()? {
            let (job, targets) = words(object)?;
            all.get_mut(job)?.extend(targets);
        }
        Some(all)
    }

    pub(super) fn mark(&self) -> (Instant, u64) {
        (Instant::now(), self.bed.audit_events_since(0).unwrap().1)
    }

    #[track_caller]
    pub(super) fn wait_until_right(&self, what: &str) {
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            let listed = self.listed().unwrap();
            let Some(wrong) = self.watchers.iter().find(|w| !w.right(&listed)) else { return };
            assert!(
                Instant::now() < end,
                "{what}, {}: listed {listed:#?}, targets {:#?}\n{:?}",
                wrong.case.name,
                JOBS.map(|job| wrong.set(job)),
                wrong.manager.clusters().status()
            );
            std::thread::sleep(Duration::from_millis(250));
        }
    }

    fn scenes(&self) -> impl Iterator<Item = (Scene<'_>, &Watcher)> {
        self.watchers.iter().filter_map(|w| {
            let proxy = w.proxy.as_ref()?;
            Some((Scene { proxy, bed: &self.bed, name: w.case.name }, w))
        })
    }

    pub(super) fn begin(&mut self) {
        self.well = None;
        self.began = Instant::now();
        self.scenes().for_each(|(scene, w)| (w.case.begin)(&scene));
    }

    pub(super) fn during(&self, second: u64) {
        self.scenes().for_each(|(scene, w)| (w.case.during)(&scene, second));
    }

    pub(super) fn end(&mut self) {
        self.scenes().for_each(|(scene, w)| (w.case.end)(&scene));
        self.well = Some(Instant::now());
    }

    /// What was wrong long enough is known to be, and did keep changes back.
    #[track_caller]
    pub(super) fn judge_at_the_end(&self) {
        for w in &self.watchers {
            let (name, case) = (w.case.name, &w.case);
            // Where connections are cut, one may just be made anew.
            assert!(w.stale() || !case.stale, "{name}: {:?}", w.manager.clusters().status());
            let behind = case.stale || ["lost", "silent"].contains(&name);
            assert!(
                // Two looks in a row, of which one is a second after the other.
                !behind || w.meanwhile > Duration::from_secs(1),
                "{name} was no trouble: {:?}",
                w.meanwhile
            );
        }
    }

    /// One second: a change of pods maybe, then everything compared with what kubectl lists.
    #[track_caller]
    pub(super) fn look(&mut self, change: bool) {
        let began = Instant::now();
        if change {
            self.change();
        }
        if let Some(listed) = self.listed() {
            let well = self.well;
            self.seen.push_back((began, listed));
            self.seen.retain(|(at, _)| at.elapsed() < 3 * BOUND);
            self.watchers.iter_mut().for_each(|w| w.compare(&self.seen, well));
        }
        std::thread::sleep(Duration::from_secs(1).saturating_sub(began.elapsed()));
    }

    /// Nothing says any more that it is stale.
    #[track_caller]
    pub(super) fn all_fresh(&self) {
        for w in &self.watchers {
            assert!(!w.stale(), "{}: {:?}", w.case.name, w.manager.clusters().status());
        }
    }

    /// The API server is ended at once, etcd forgets the past, and the API server comes back with another certificate, which
    /// the watchers' kubeconfig learns of afterwards.
    pub(super) fn restart(&mut self) {
        self.well = None;
        self.bed.kill_api_server().unwrap();
        self.bed.compact().unwrap();
        self.look(false);
        self.bed.start_api_server(true).unwrap();
        std::fs::copy(self.bed.authority(), authority(&self.bed)).unwrap();
        self.well = Some(Instant::now());
    }

    /// How often the API server was asked since a mark.
    #[track_caller]
    pub(super) fn count(&mut self, what: &str, (from, mark): (Instant, u64)) {
        let over = from.elapsed();
        let (events, _) = self.bed.audit_events_since(mark).unwrap();
        self.lines.push(format!("{what}, {:.0?}:", over));
        for w in &mut self.watchers {
            counted::spaced(w, from);
            let counts = counted::by_kind(&events, w.case.name);
            let (lists, watches) = counted::judged(w.case.name, &counts, over);
            self.lines.push(format!(
                "  {:<11} other than the cluster for {:>4.1} s meanwhile, {:>4.1} s after; of any kind at most {lists} lists and {watches} watches; {}",
                w.case.name,
                w.meanwhile.as_secs_f64(),
                w.worst.as_secs_f64(),
                w.case.what
            ));
            (w.worst, w.meanwhile) = (Duration::ZERO, Duration::ZERO);
        }
    }

    /// Prints what was seen.
    pub(super) fn report(&self) {
        println!("{}", self.lines.join("\n"));
        println!("bound {BOUND:?}, all in {:.0?}", self.began.elapsed());
    }
}

/// An account with the right to read, everywhere or in some namespaces.
fn rights(bed: &Bed, name: &str, namespaces: &[&str]) {
    let mut objects = vec![account(name), role(name, KINDS)];
    match namespaces {
        [] => objects.push(binding(name)),
        names => objects.extend(names.iter().map(|n| binding_in(name, n))),
    }
    bed.api().create_all(&objects, "klist").unwrap();
}
