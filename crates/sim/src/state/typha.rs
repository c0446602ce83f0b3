//! Typha: one process between the datastore and many Felixes.

use tortie_host::Rng;

use super::go::GoProfile;
use super::{GoProcess, Process, Values};
use crate::inventory::{Dist, Var};
use crate::world::{Event, World};

const PROFILE: GoProfile = GoProfile {
    live: 1.52e7,
    growth: 52_000.0,
    gogc: 100.0,
    object: 71.0,
    frees: 0.352,
    chance: [0.065, 0.129, 0.115, 0.04, 0.037, 0.021, 0.222, 0.006, 0.134],
    extra_goroutine: 0.11,
    goroutines: 172.0,
    threads: 9.0,
    cpu: 0.00206,
    cpu_burst: 0.6,
    network: 31_000.0,
    files: (13.0, 0),
    files_change: 0.0,
    rss: 9.87e7,
    virtual_memory: 1.423e9,
};

/// Goroutines for each client.
const PER_CLIENT: f64 = 4.0;
/// Bytes of a key and value in a snapshot, raw and compressed.
const RAW: f64 = 305.5;
const COMPRESSED: f64 = 60.3;
/// Keys besides endpoints and policies.
const OTHER_KEYS: f64 = 53.0;
/// Seconds between two pings of a client.
const PING: i64 = 10;

/// A replica.
pub(crate) struct Typha {
    i: usize,
    go: GoProcess,
    values: Values,
    rng: Rng,
    now: i64,
    up: bool,
    clients: u32,
}

impl Typha {
    /// Replica `i`, which starts now.
    pub(crate) fn new(world: &World, i: usize, seed: u64) -> Typha {
        let mut rng = Rng::new(seed);
        let (values, go) = start(world, &mut rng);
        let mut typha = Typha { i, go, values, rng, now: world.now, up: true, clients: 0 };
        typha.connections(world);
        typha
    }

    fn begin(&mut self, world: &World) {
        let (values, go) = start(world, &mut self.rng);
        self.values = values;
        self.go = go;
        self.clients = 0;
    }

    /// Clients that came and went.
    fn connections(&mut self, world: &World) {
        let clients = world.typhas.state(self.i).clients;
        if clients > self.clients {
            let came = clients - self.clients;
            self.values.add(Var::ConnectionsAccepted, f64::from(came));
            // All that come at about the same time share one snapshot.
            let built = came.div_ceil(50);
            self.values.add(Var::SnapshotsGenerated, f64::from(built));
            self.values.add(Var::SnapshotsReused, f64::from(came - built));
            let keys = self.values.get(Var::CacheSize);
            self.values.set(Var::SnapshotRaw, (keys * RAW).round());
            self.values.set(Var::SnapshotCompressed, (keys * COMPRESSED).round());
            let send = nanos(0.003 + keys * 2e-5 * (0.6 + self.rng.unit()));
            self.values.dist(Dist::SnapshotSend).observe_many(world.now, send, came);
            self.values.dist(Dist::WriteLatency).observe_many(world.now, nanos(0.0002), 4 * came);
            self.values.dist(Dist::Ping).observe_many(world.now, nanos(0.0008), came);
        } else if clients < self.clients {
            self.values.add(Var::ConnectionsDropped, f64::from(self.clients - clients));
        }
        self.clients = clients;
        self.values.set(Var::ConnectionsActive, f64::from(clients));
        self.values.set(Var::ConnectionsStreaming, f64::from(clients));
        self.values.set(Var::OpenFds, 13.0 + f64::from(clients));
        self.go.goroutines(PROFILE.goroutines + PER_CLIENT * (f64::from(clients) - 1.0), &mut self.values);
    }

    /// Updates of the datastore become breadcrumbs, which every client reads.
    fn updates(&mut self, world: &World) {
        let mut updates = 0;
        for event in &world.events {
            updates += match event {
                Event::PolicyAdd(n) | Event::PolicyRemove(n) => *n,
                Event::PolicyEdit | Event::PodLabel | Event::PodAdd(_) | Event::PodRemove(_) => 1,
                Event::FelixRestart(_) => 0,
            };
        }
        let t = world.now;
        self.values.set(Var::CacheSize, keys(world));
        for dist in [Dist::CrumbFelix, Dist::CrumbBgp, Dist::CrumbStatus, Dist::CrumbTunnel] {
            if self.rng.unit() < 0.91 {
                self.values.dist(dist).observe(t, 0.0);
            }
        }
        if updates == 0 {
            return;
        }
        self.values.add(Var::TyphaUpdates, f64::from(updates));
        // Up to a hundred updates that come together share a breadcrumb.
        let crumbs = if updates > 20 { updates.div_ceil(100) } else { updates };
        self.values.add(Var::BreadcrumbSeq, f64::from(crumbs));
        self.values.dist(Dist::CrumbFelix).observe_many(t, f64::from(updates / crumbs), crumbs);
        let reads = crumbs * self.clients;
        // A client that is still busy with the last breadcrumb does not wait for the next one.
        let behind = if updates > 2 { (f64::from(reads) * 0.3 * self.rng.unit()) as u32 } else { 0 };
        self.values.add(Var::BreadcrumbBlock, f64::from(reads - behind));
        self.values.add(Var::BreadcrumbNonBlock, f64::from(behind));
        if behind > 0 {
            self.values.dist(Dist::NextCrumb).observe_many(
                t,
                nanos(0.0001 + 0.0009 * self.rng.unit()),
                behind,
            );
        }
        let late = if behind > 0 { nanos(0.001 + 0.004 * self.rng.unit()) } else { 0.0 };
        self.values.dist(Dist::ClientLatency).observe_many(t, late, reads);
        self.values.dist(Dist::KvsPerMsg).observe_many(t, f64::from(updates / crumbs), reads);
        let write = nanos(0.00004 + 0.0003 * self.rng.unit());
        self.values.dist(Dist::WriteLatency).observe_many(t, write, reads);
    }

    fn pings(&mut self, t: i64) {
        // Clients ping in turns; a lone one at its own second.
        let turn = (t + self.i as i64 * 3).rem_euclid(PING) as u32;
        let n = self.clients / PING as u32 + u32::from(turn < self.clients % PING as u32);
        let ping = nanos(0.0004 + 0.0003 * self.rng.unit());
        self.values.dist(Dist::Ping).observe_many(t, ping, n);
        self.values.dist(Dist::WriteLatency).observe_many(t, nanos(0.00005 + 0.0003 * self.rng.unit()), n);
    }
}

fn start(world: &World, rng: &mut Rng) -> (Values, GoProcess) {
    let mut values = Values::new(world.now);
    let go = GoProcess::new(PROFILE, world.now, rng, &mut values);
    let keys = keys(world);
    values.set(Var::CacheSize, keys);
    values.set(Var::TyphaUpdates, keys);
    values.set(Var::BreadcrumbSeq, 12.0);
    values.dist(Dist::CrumbFelix).observe(world.now, keys);
    values.dist(Dist::CrumbBgp).observe(world.now, 4.0);
    values.dist(Dist::CrumbTunnel).observe(world.now, 4.0);
    (values, go)
}

fn keys(world: &World) -> f64 {
    f64::from(world.endpoints() + world.policies) + OTHER_KEYS
}

/// Rounded to whole nanoseconds, as a duration would be.
pub(super) fn nanos(seconds: f64) -> f64 {
    (seconds * 1e9).round() / 1e9
}

impl Process for Typha {
    fn step(&mut self, world: &World) {
        self.now = world.now;
        let state = world.typhas.state(self.i);
        self.up = state.up;
        if !state.up {
            return;
        }
        if state.restarted {
            self.begin(world);
        }
        self.updates(world);
        if state.clients != self.clients {
            self.connections(world);
        }
        self.pings(world.now);
        let busy = world.load.activity + world.events.len() as f64 * 0.05;
        self.go.step(world.now, busy, 0.0, &mut self.rng, &mut self.values);
    }

    fn values(&mut self, _: &World) -> &mut Values {
        self.values.settle(self.now);
        &mut self.values
    }

    fn restart(&mut self, world: &World) {
        self.begin(world);
        self.connections(world);
    }

    fn running(&self) -> bool {
        self.up
    }
}
