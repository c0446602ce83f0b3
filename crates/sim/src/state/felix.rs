//! Felix: the calculation graph and the dataplane of one node.

use tortie_host::Rng;

use super::ebpf::Conntrack;
use super::go::GoProfile;
use super::typha::nanos;
use super::{GoProcess, Process, Values};
use crate::inventory::{Dataplane, Dist, Var};
use crate::world::{Event, World};

const IPTABLES: GoProfile = GoProfile {
    live: 8.2e6,
    growth: 52_000.0,
    gogc: 40.0,
    object: 68.0,
    frees: 0.75,
    chance: [0.116, 0.106, 0.051, 0.22, 0.106, 0.012, 0.155, 0.006, 0.097],
    extra_goroutine: 0.15,
    goroutines: 33.0,
    threads: 9.0,
    cpu: 0.0155,
    cpu_burst: 1.0,
    network: 31_000.0,
    files: (21.0, 8),
    files_change: 1.0,
    rss: 8.0e7,
    virtual_memory: 1.392e9,
};

const NFTABLES: GoProfile = GoProfile {
    growth: 45_000.0,
    frees: 0.297,
    chance: [0.156, 0.058, 0.073, 0.167, 0.073, 0.012, 0.167, 0.012, 0.097],
    files_change: 0.058,
    ..IPTABLES
};

/// Bytes that a rewrite of the rules allocates.
const REWRITE: f64 = 3.2e6;
/// Bytes that an endpoint's rules allocate.
const ENDPOINT_REWRITE: f64 = 300_000.0;
/// All IP sets and routes are read anew after about this many seconds.
const RESYNC: i64 = 90;
/// A removed policy still counts as active for this many seconds.
const ACTIVE_LAG: i64 = 60;

/// A Felix.
pub(crate) struct Felix {
    node: usize,
    dataplane: Dataplane,
    go: GoProcess,
    conntrack: Option<Conntrack>,
    values: Values,
    rng: Rng,
    now: i64,
    started: i64,
    /// Second of the next refresh of the rules.
    refresh: i64,
    /// Second of the next full resync of sets and routes.
    resync: i64,
    /// Second at which the datastore is in sync again.
    in_sync_at: i64,
    /// Most policies lately, and when they were last seen.
    policies: (u32, i64),
    /// Second at which the process is back.
    back: i64,
}

impl Felix {
    /// The Felix of `node`, which starts now.
    pub(crate) fn new(world: &World, node: usize, dataplane: Dataplane, seed: u64) -> Felix {
        let mut rng = Rng::new(seed);
        let mut values = Values::new(world.now);
        let go = GoProcess::new(profile(dataplane), world.now, &mut rng, &mut values);
        let mut felix = Felix {
            node,
            dataplane,
            go,
            conntrack: None,
            values,
            rng,
            now: world.now,
            started: world.now,
            refresh: 0,
            resync: 0,
            in_sync_at: 0,
            policies: (0, 0),
            back: world.now,
        };
        felix.start(world);
        felix
    }

    /// The first sync with datastore and dataplane.
    fn start(&mut self, world: &World) {
        let t = world.now;
        self.values = Values::new(t);
        self.go = GoProcess::new(profile(self.dataplane), t, &mut self.rng, &mut self.values);
        self.conntrack = (self.dataplane == Dataplane::Bpf).then(|| Conntrack::new(&mut self.rng));
        self.started = t;
        self.refresh = t + 3;
        self.resync = t + 30 + self.rng.below(RESYNC as u64) as i64;
        self.in_sync_at = t;
        self.policies = (world.policies, t);
        let (endpoints, policies) = (f64::from(world.endpoints()), f64::from(world.policies));
        let local = self.local(world);
        let v = &mut self.values;
        for (var, value) in [
            (Var::UpdatesEndpoint, endpoints),
            (Var::UpdatesPolicy, policies),
            (Var::UpdatesProfileLabels, 10.0),
            (Var::UpdatesProfileRules, 11.0),
            (Var::UpdatesResource, 16.0),
            (Var::GraphEvents, local + policies + 19.0),
            (Var::MsgPolicyUpdate, policies),
            (Var::MsgEndpointUpdate, local),
            (Var::ResyncsStarted, 1.0),
            (Var::InitialResync, nanos(0.05 + 0.002 * local * self.rng.unit())),
            (Var::SelectorEvals, endpoints),
            (Var::ActiveSelectors, 1.0),
            (Var::SaveCalls, 12.0),
            (Var::NftListCalls, 4.0),
            (Var::LogErrors, 54.0),
            (Var::Pools, 1.0),
        ] {
            v.set(var, value);
        }
        let updates = (endpoints + policies + 53.0) as u32;
        let update = nanos(5e-6 + 8e-6 * self.rng.unit());
        v.dist(Dist::GraphUpdate).observe_many(t, update, updates.saturating_sub(8));
        (0..8).for_each(|i| {
            v.dist(Dist::GraphUpdate).observe(t, nanos(3e-5 * f64::from(i) * self.rng.unit() + 6e-6))
        });
        v.dist(Dist::IfaceBatch).observe(t, 1.0);
        v.dist(Dist::AddrBatch).observe(t, 1.0);
        v.dist(Dist::MsgBatch).observe(t, 19.0);
        v.dist(Dist::MsgBatch).observe(t, 25.0);
        v.dist(Dist::MsgBatch).observe(t, 2.0);
        match self.dataplane {
            Dataplane::Iptables => {
                v.set(Var::RestoreCalls, 4.0);
                v.set(Var::NftCalls, 1.0);
                v.set(Var::IpsetCalls, 1.0);
                v.set(Var::IpsetLines, 50.0);
                v.set(Var::FilterLines, 26.0 + 27.0 * local);
            }
            Dataplane::Nftables => {
                v.set(Var::NftCalls, 2.0);
                v.set(Var::NftSetCalls, 1.0);
            }
            Dataplane::Bpf => {
                v.set(Var::RestoreCalls, 4.0);
                v.set(Var::NftCalls, 1.0);
                v.set(Var::FilterLines, 60.0);
            }
        }
        self.read_all(t);
        self.apply(t, 2);
        self.gauges(world);
    }

    fn local(&self, world: &World) -> f64 {
        world.pods.get(self.node).copied().map_or(0.0, f64::from)
    }

    /// Gauges that follow the cluster.
    fn gauges(&mut self, world: &World) {
        if world.policies >= self.policies.0 || world.now - self.policies.1 > ACTIVE_LAG {
            self.policies = (world.policies, world.now);
        }
        let (local, endpoints) = (self.local(world), f64::from(world.endpoints()));
        let policies = f64::from(world.policies);
        let v = &mut self.values;
        v.set(Var::LocalEndpoints, local);
        v.set(Var::ActivePolicies, f64::from(self.policies.0));
        v.set(Var::ClusterEndpoints, endpoints);
        v.set(Var::ClusterHosts, world.nodes() as f64);
        v.set(Var::ClusterPolicies, policies);
        v.set(Var::ClusterProfiles, 11.0);
        v.set(Var::RouteIfaces, local + 1.0);
        v.set(Var::RouteRoutes, local);
        v.set(Var::ResyncState, if world.now >= self.in_sync_at { 3.0 } else { 2.0 });
        match self.dataplane {
            Dataplane::Iptables => {
                v.set(Var::FilterChains, 10.0 + policies + 3.0 * local);
                v.set(Var::FilterRules, 14.0 + 2.0 * policies + 22.0 * local);
                v.set(Var::Ipsets, 5.0);
            }
            Dataplane::Nftables => {
                v.set(Var::NftChains, 31.0 + policies + 3.0 * local);
                v.set(Var::NftRules, 88.0 + 9.0 * policies + 22.0 * local);
                v.set(Var::NftSets, 5.0);
            }
            Dataplane::Bpf => {
                v.set(Var::FilterChains, 16.0);
                v.set(Var::FilterRules, 38.0);
                v.set(Var::BpfEndpoints, local + 2.0);
                v.set(Var::BpfEndpointsHappy, local + 2.0);
                v.set(Var::BpfNumIpSets, 5.0);
            }
        }
    }

    /// `n` rounds of programming the dataplane.
    fn apply(&mut self, t: i64, n: u32) {
        for _ in 0..n {
            let base = if self.dataplane == Dataplane::Nftables { 0.009 } else { 0.0065 };
            let time = nanos(base + 0.004 * self.rng.unit() + 0.03 * self.rng.unit().powi(6));
            self.values.dist(Dist::ApplyTime).observe(t, time);
        }
    }

    /// Reads all IP sets and routes, as is done from time to time.
    fn read_all(&mut self, t: i64) {
        let (execs, lists) = match self.dataplane {
            Dataplane::Iptables => (6, 3.0),
            Dataplane::Nftables => (1, 2.0),
            Dataplane::Bpf => (1, 3.0),
        };
        for _ in 0..execs {
            let micros = 200.0 + 400.0 * self.rng.unit() + 1500.0 * self.rng.unit().powi(8);
            self.values.dist(Dist::ExecMicros).observe(t, (micros * 1000.0).round() / 1000.0);
        }
        for _ in 0..2 {
            let time = nanos(0.00005 + 0.0005 * self.rng.unit());
            self.values.dist(Dist::RouteResync).observe(t, time);
        }
        if t > self.started && self.rng.unit() < 0.4 {
            self.values.add(Var::NftListCalls, lists);
        }
    }

    /// What the events of this second cost. Returns the bytes that were allocated for it.
    fn events(&mut self, world: &World) -> f64 {
        let (t, local) = (world.now, self.local(world));
        let mut allocated = 0.0;
        for event in &world.events {
            match *event {
                Event::PolicyAdd(n) => {
                    self.values.add(Var::MsgPolicyUpdate, f64::from(n));
                    allocated += self.policies_changed(t, n, local);
                }
                Event::PolicyRemove(n) => {
                    self.values.add(Var::MsgPolicyRemove, f64::from(n));
                    allocated += self.policies_changed(t, n, local);
                }
                Event::PolicyEdit => {
                    self.values.add(Var::MsgPolicyUpdate, 1.0);
                    allocated += self.policies_changed(t, 1, local);
                }
                Event::PodLabel => self.update(t, Var::UpdatesEndpoint, 1),
                Event::PodAdd(node) | Event::PodRemove(node) => {
                    self.update(t, Var::UpdatesEndpoint, 1);
                    if node == self.node {
                        self.endpoint_changed(t, matches!(event, Event::PodAdd(_)));
                        allocated += ENDPOINT_REWRITE;
                    }
                }
                Event::FelixRestart(_) => {}
            }
        }
        allocated
    }

    /// `n` updates of the datastore went through the graph.
    fn update(&mut self, t: i64, kind: Var, n: u32) {
        self.values.add(kind, f64::from(n));
        for _ in 0..n.min(8) {
            let time = nanos(5e-6 + 1e-5 * self.rng.unit() + 4e-4 * self.rng.unit().powi(4));
            self.values.dist(Dist::GraphUpdate).observe(t, time);
        }
        self.values.dist(Dist::GraphUpdate).observe_many(t, 1.1e-5, n.saturating_sub(8));
    }

    /// Policies changed: every local endpoint is programmed anew.
    fn policies_changed(&mut self, t: i64, n: u32, local: f64) -> f64 {
        let policies = f64::from(n);
        self.update(t, Var::UpdatesPolicy, n);
        self.values.add(Var::GraphEvents, policies * (local + 1.0));
        self.values.add(Var::MsgEndpointUpdate, policies * local);
        self.values.dist(Dist::MsgBatch).observe_many(t, (policies * (local + 1.0) / 2.0 + 1.0).round(), 2);
        self.apply(t, 2);
        match self.dataplane {
            Dataplane::Iptables => {
                self.values.add(Var::RestoreCalls, 2.0);
                self.values.add(Var::SaveCalls, 1.0);
                self.values
                    .add(Var::FilterLines, 14.0 * local + 7.0 + 2.0 * policies * self.rng.unit().round());
            }
            Dataplane::Nftables => self.values.add(Var::NftCalls, 2.0),
            Dataplane::Bpf => {}
        }
        REWRITE
    }

    /// A pod came to or left this node.
    fn endpoint_changed(&mut self, t: i64, came: bool) {
        let v = &mut self.values;
        v.add(Var::GraphEvents, 2.0);
        v.add(if came { Var::MsgEndpointUpdate } else { Var::MsgEndpointRemove }, 1.0);
        v.add(Var::MsgIpsetDelta, 1.0);
        v.dist(Dist::MsgBatch).observe(t, 2.0);
        v.dist(Dist::IfaceBatch).observe(t, 1.0);
        v.dist(Dist::AddrBatch).observe(t, 1.0);
        v.dist(Dist::RoutePartial).observe(t, nanos(0.00008 + 0.0004 * self.rng.unit()));
        if !came {
            v.dist(Dist::ConntrackWait).observe(t, nanos(0.0001 + 0.002 * self.rng.unit()));
        }
        match self.dataplane {
            Dataplane::Iptables => {
                v.add(Var::RestoreCalls, 1.0);
                v.add(Var::SaveCalls, 1.0);
                v.add(Var::FilterLines, 27.0);
                v.add(Var::IpsetCalls, 1.0);
                v.add(Var::IpsetLines, 3.0);
                let micros = 250.0 + 500.0 * self.rng.unit();
                v.dist(Dist::ExecMicros).observe(t, (micros * 1000.0).round() / 1000.0);
            }
            Dataplane::Nftables => {
                v.add(Var::NftCalls, 1.0);
                v.add(Var::NftSetCalls, 1.0);
            }
            Dataplane::Bpf => {}
        }
        self.apply(t, 1);
    }

    /// Work that comes with the clock.
    fn timers(&mut self, t: i64) {
        if t >= self.refresh {
            self.apply(t, 1);
            let (calls, pause, jitter) = match self.dataplane {
                Dataplane::Iptables => (1.0, 2, 6),
                // Old iptables rules are looked for ever less often.
                Dataplane::Nftables => (4.0, 30, 25),
                Dataplane::Bpf => (1.0, 10, 20),
            };
            self.values.add(Var::SaveCalls, calls);
            self.refresh = t + pause + self.rng.below(jitter) as i64;
        }
        if t >= self.resync {
            self.read_all(t);
            self.resync = t + RESYNC + self.rng.below(10) as i64 - 5;
        }
        if self.rng.unit() < 0.0008 {
            self.values.add(Var::LogErrors, 40.0);
        }
    }
}

fn profile(dataplane: Dataplane) -> GoProfile {
    match dataplane {
        Dataplane::Iptables => IPTABLES,
        Dataplane::Nftables | Dataplane::Bpf => NFTABLES,
    }
}

impl Process for Felix {
    fn step(&mut self, world: &World) {
        self.now = world.now;
        if world.events.contains(&Event::FelixRestart(self.node)) {
            self.back = world.now + 4;
        }
        if self.now < self.back {
            return;
        }
        if self.now == self.back && self.started != self.now {
            self.start(world);
        }
        if world.typhas.reconnected(self.node) {
            self.values.add(Var::ResyncsStarted, 1.0);
            self.in_sync_at = world.now + 2 + self.rng.below(3) as i64;
            let all = world.endpoints() + world.policies;
            self.values.dist(Dist::GraphUpdate).observe_many(world.now, 6e-6, all);
            self.values.add(Var::UpdatesEndpoint, f64::from(world.endpoints()));
            self.values.add(Var::UpdatesPolicy, f64::from(world.policies));
        }
        let allocated = self.events(world);
        self.timers(world.now);
        self.gauges(world);
        if let Some(conntrack) = &mut self.conntrack {
            let local = self.values.get(Var::LocalEndpoints);
            conntrack.step(world.now, world.load.activity * local, &mut self.rng, &mut self.values);
        }
        self.go.step(world.now, world.load.activity, allocated, &mut self.rng, &mut self.values);
    }

    fn values(&mut self, _: &World) -> &mut Values {
        self.values.settle(self.now);
        &mut self.values
    }

    fn restart(&mut self, world: &World) {
        self.start(world);
    }

    fn running(&self) -> bool {
        self.now >= self.back
    }
}
