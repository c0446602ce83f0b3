//! Steps world and processes to the time that is asked for, and renders bodies.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::shared::{RINGS, Ring, SharedBody};
use super::target::node_names;
use super::{FleetOptions, OWN_STATE, SimTarget};
use crate::gzip;
use crate::inventory::{Axes, Component, Dataplane, Template, Var, families};
use crate::state::{Felix, KubeControllers, Process, Typha};
use crate::world::World;

/// The simulation behind the sockets.
pub(super) struct Engine {
    state: Mutex<State>,
    /// Second that state and rings have reached.
    ready: AtomicI64,
    rings: Vec<Ring>,
    sources: Vec<Source>,
    hosts: Vec<String>,
}

/// Where a target's body comes from.
#[derive(Debug, Clone, Copy)]
enum Source {
    /// An actor of its own.
    Own(usize),
    /// A ring, read some seconds late.
    Shared { ring: usize, late: i64 },
}

struct State {
    world: World,
    actors: Vec<Actor>,
}

/// A process with what it needs to answer.
struct Actor {
    process: Box<dyn Process>,
    template: Template,
    host: String,
    /// Scrapes answered, for the handler's own counter.
    scrapes: u64,
    /// The last body: its second, whole, and compressed once somebody asked.
    last: Option<(i64, Bytes, Option<Bytes>)>,
    /// Whether the body counts its own scrapes and can therefore not be answered twice.
    counts_scrapes: bool,
}

impl Engine {
    /// An engine for `targets`, at the first second of `options`.
    pub(super) fn new(options: &FleetOptions, targets: &[SimTarget]) -> Engine {
        let epoch = options.epoch_s();
        let world = World::new(options.seed, options.shape, options.nodes, options.typha_count(), epoch);
        let mut made = Actors { options, world: &world, axes: axes(options, &world), actors: Vec::new() };
        let (mut sources, mut rings) = (Vec::with_capacity(targets.len()), Vec::new());
        let (mut felixes, mut typhas) = (0, 0);
        for target in targets {
            sources.push(match target.component {
                Component::Felix => {
                    felixes += 1;
                    made.felix(felixes - 1, target, &mut rings)
                }
                Component::Typha => {
                    typhas += 1;
                    made.typha(typhas - 1)
                }
                Component::KubeControllers => made.kube_controllers(),
            });
        }
        let hosts = targets.iter().map(|t| t.node.clone()).collect();
        let actors = made.actors;
        Engine {
            state: Mutex::new(State { world, actors }),
            ready: AtomicI64::new(epoch),
            rings,
            sources,
            hosts,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A step that panicked leaves numbers of that second half done, which the next ones mend.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Goes on to second `t`.
    pub(super) fn advance(&self, t: i64) {
        if self.ready.load(Ordering::Acquire) >= t {
            return;
        }
        let mut state = self.state();
        while state.world.now < t {
            state.step();
            // Only the seconds that a node may still ask for are rendered.
            if t - state.world.now < RINGS {
                for ring in &self.rings {
                    ring.push(state.shared_body(ring.actor));
                }
            }
        }
        self.ready.store(state.world.now, Ordering::Release);
    }

    /// The body of target `i` at second `t`; `None` while its process is being replaced.
    pub(super) fn body(&self, i: usize, t: i64, gzip: bool) -> Option<Vec<Bytes>> {
        self.advance(t);
        match self.sources.get(i)? {
            Source::Own(actor) => {
                let mut state = self.state();
                let State { world, actors } = &mut *state;
                actors.get_mut(*actor)?.body(world, gzip).map(|b| vec![b])
            }
            Source::Shared { ring, late } => {
                let host = self.hosts.get(i).map_or("", String::as_str);
                Some(self.rings.get(*ring)?.late(*late)?.parts(host, gzip))
            }
        }
    }

    /// Starts the process of target `i` anew; one that shares its bodies cannot.
    pub(super) fn restart(&self, i: usize) {
        let Some(Source::Own(actor)) = self.sources.get(i) else { return };
        let mut state = self.state();
        let State { world, actors } = &mut *state;
        if let Some(actor) = actors.get_mut(*actor) {
            actor.process.restart(world);
            actor.last = None;
            actor.scrapes = 0;
        }
    }

    /// Bytes held in rings.
    pub(super) fn body_bytes(&self) -> usize {
        self.rings.iter().map(Ring::bytes).sum()
    }
}

impl State {
    fn step(&mut self) {
        self.world.step();
        for actor in &mut self.actors {
            actor.process.step(&self.world);
        }
    }

    fn shared_body(&mut self, actor: usize) -> SharedBody {
        let Some(actor) = self.actors.get_mut(actor) else { return SharedBody::default() };
        let values = actor.process.values(&self.world);
        SharedBody::new(&actor.template.render(values, ""))
    }
}

impl Actor {
    fn body(&mut self, world: &World, gzip: bool) -> Option<Bytes> {
        if !self.process.running() {
            return None;
        }
        let scrapes = self.scrapes;
        self.scrapes += 1;
        if self.counts_scrapes || self.last.as_ref().is_none_or(|(at, ..)| *at != world.now) {
            let values = self.process.values(world);
            values.set(Var::Scrapes, scrapes as f64);
            let text = self.template.render(values, &self.host).text;
            self.last = Some((world.now, Bytes::from(text), None));
        }
        let (_, plain, zipped) = self.last.as_mut()?;
        if !gzip {
            return Some(plain.clone());
        }
        Some(zipped.get_or_insert_with(|| gzip::whole(plain)).clone())
    }
}

/// Makes the actors of an engine.
struct Actors<'a> {
    options: &'a FleetOptions,
    world: &'a World,
    axes: Axes,
    actors: Vec<Actor>,
}

/// Representative Felixes for each dataplane of a large fleet.
const REPRESENTATIVES: usize = 4;

impl Actors<'_> {
    /// The Felix of node `i`.
    fn felix(&mut self, i: usize, target: &SimTarget, rings: &mut Vec<Ring>) -> Source {
        let dataplane = self.options.dataplane(i);
        if self.options.nodes <= OWN_STATE {
            return Source::Own(self.new_felix(i, dataplane, target.node.clone()));
        }
        let wanted = (dataplane, i % REPRESENTATIVES);
        let ring = match rings.iter().position(|r| r.class == wanted) {
            Some(ring) => ring,
            None => {
                let actor = self.new_felix(i, dataplane, String::new());
                rings.push(Ring::new(wanted, actor));
                rings.len() - 1
            }
        };
        let late = crate::world::rng(self.options.seed, 300, i as i64).below(RINGS as u64) as i64;
        Source::Shared { ring, late }
    }

    fn new_felix(&mut self, i: usize, dataplane: Dataplane, host: String) -> usize {
        let process = Felix::new(self.world, i, dataplane, self.seed(1, i));
        self.add(Box::new(process), Component::Felix, &[dataplane.name()], host)
    }

    fn typha(&mut self, i: usize) -> Source {
        let process = Typha::new(self.world, i, self.seed(2, i));
        Source::Own(self.add(Box::new(process), Component::Typha, &[], String::new()))
    }

    fn kube_controllers(&mut self) -> Source {
        let ipam = self.options.ipam;
        let process = KubeControllers::new(self.world, ipam, self.seed(3, 0));
        let modes: &[&str] = if ipam { &["ipam"] } else { &[] };
        Source::Own(self.add(Box::new(process), Component::KubeControllers, modes, String::new()))
    }

    fn add(
        &mut self,
        process: Box<dyn Process>,
        component: Component,
        modes: &[&str],
        host: String,
    ) -> usize {
        let families = families(component, self.options.release, modes);
        let counts_scrapes = families.iter().any(|f| f.name == "promhttp_metric_handler_requests_total");
        let template = Template::new(&families, &self.axes);
        self.actors.push(Actor { process, template, host, scrapes: 0, last: None, counts_scrapes });
        self.actors.len() - 1
    }

    fn seed(&self, kind: u64, i: usize) -> u64 {
        crate::world::rng(self.options.seed, 400 + kind, i as i64).next_u64()
    }
}

fn axes(options: &FleetOptions, world: &World) -> Axes {
    Axes { pools: world.ipam.pools().map(|p| p.name.to_owned()).collect(), nodes: node_names(options.nodes) }
}
