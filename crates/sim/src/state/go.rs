//! The Go runtime and the process around it: heap, collections, stacks, file descriptors, CPU.
//!
//! How often each number changes is what the recordings of the real components showed, as chance per second.

use tortie_host::Rng;

use super::Values;
use crate::inventory::{Dist, Var};

/// How one component's process behaves. Chances are per second, sizes in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GoProfile {
    /// Live heap after a collection.
    pub live: f64,
    /// Heap growth per second at usual load.
    pub growth: f64,
    /// `GOGC`.
    pub gogc: f64,
    /// Bytes of an allocated object.
    pub object: f64,
    /// Chance that objects are freed between collections.
    pub frees: f64,
    /// Chance of change of: profiling buckets, collector metadata, released heap, heap system bytes, span use, span
    /// system bytes, other system bytes, system bytes, resident memory.
    pub chance: [f64; 9],
    /// Share of time with one goroutine more than usual.
    pub extra_goroutine: f64,
    /// Usual number of goroutines.
    pub goroutines: f64,
    /// OS threads.
    pub threads: f64,
    /// CPU seconds per second at usual load.
    pub cpu: f64,
    /// Chance of a burst of CPU in a second; 1 means that it is used evenly.
    pub cpu_burst: f64,
    /// Bytes from and to the network per second.
    pub network: f64,
    /// Open files, and the steps of three by which there may be more for a moment.
    pub files: (f64, u64),
    /// Chance that the number of open files changes.
    pub files_change: f64,
    /// Resident memory at the start.
    pub rss: f64,
    /// Virtual memory at the start.
    pub virtual_memory: f64,
}

/// A Go process.
#[derive(Debug)]
pub(crate) struct GoProcess {
    profile: GoProfile,
    last_gc: i64,
    extra: bool,
    cpu: f64,
}

/// Page and span sizes that runtime numbers move by.
const PAGE: f64 = 8192.0;
const STACK: f64 = 32768.0;

impl GoProcess {
    /// A process that starts at second `start`; its first numbers go into `values`.
    pub(crate) fn new(profile: GoProfile, start: i64, rng: &mut Rng, values: &mut Values) -> GoProcess {
        let p = &profile;
        let heap_sys = p.live * 2.1 + 7e6;
        let sets = [
            (Var::StartTime, start as f64 + (rng.below(100) as f64) / 100.0),
            (Var::Gogc, p.gogc),
            (Var::Gomaxprocs, 2.0),
            (Var::Threads, p.threads),
            (Var::Goroutines, p.goroutines),
            (Var::OpenFds, p.files.0),
            (Var::Rss, (p.rss / 4096.0).round() * 4096.0),
            (Var::VirtualMemory, (p.virtual_memory / 4096.0).round() * 4096.0),
            (Var::MemAlloc, (p.live * 1.1).round()),
            (Var::MemAllocTotal, (p.live * 2.2).round()),
            (Var::MemMallocs, (p.live * 2.2 / p.object).round()),
            (Var::MemFrees, (p.live * 1.1 / p.object).round()),
            (Var::MemHeapSys, (heap_sys / STACK).round() * STACK),
            (Var::MemHeapReleased, (p.live * 0.5 / PAGE).round() * PAGE),
            (Var::MemBuckHashSys, 1_450_000.0 + rng.below(100_000) as f64),
            (Var::MemGcSys, 3_920_000.0 + 16.0 * rng.below(6000) as f64),
            (Var::MemMspanInuse, 196_640.0),
            (Var::MemMspanSys, 228_480.0),
            (Var::MemOtherSys, 500_000.0 + rng.below(300_000) as f64),
            (Var::MemStackInuse, 42.0 * STACK),
            (Var::MemSys, heap_sys.round() + 7_800_000.0),
        ];
        sets.into_iter().for_each(|(var, v)| values.set(var, v));
        let mut process = GoProcess { profile, last_gc: start, extra: false, cpu: 0.1 + rng.unit() * 0.3 };
        for _ in 0..3 {
            process.collect(start, rng, values);
        }
        process.heap(rng, values);
        process
    }

    /// Goes on to second `t`. `activity` is 1 at usual load; `burst` bytes are allocated on top at once.
    pub(crate) fn step(&mut self, t: i64, activity: f64, burst: f64, rng: &mut Rng, values: &mut Values) {
        let p = self.profile;
        let grown = (p.growth * activity * (0.4 + 1.2 * rng.unit()) + burst) / 8.0;
        let grown = grown.round() * 8.0;
        values.add(Var::MemAlloc, grown);
        values.add(Var::MemAllocTotal, grown);
        values.add(Var::MemMallocs, (grown / p.object).max(1.0).round());
        if rng.unit() < p.frees {
            // Far fewer than are allocated, so that the heap's objects grow until the next collection.
            values.add(Var::MemFrees, 1.0 + (rng.unit() * 0.3 * grown / p.object).floor());
        }
        if values.get(Var::MemAlloc) >= values.get(Var::NextGc) * 0.86 || t - self.last_gc >= 120 {
            self.collect(t, rng, values);
        }
        self.heap(rng, values);
        self.system(rng, values);
        self.process(activity, burst, rng, values);
    }

    /// A collection.
    fn collect(&mut self, t: i64, rng: &mut Rng, values: &mut Values) {
        let p = &self.profile;
        let before = values.get(Var::MemAlloc);
        let after = ((p.live * (0.97 + 0.08 * rng.unit())).min(before) / 8.0).round() * 8.0;
        values.set(Var::MemAlloc, after);
        let alive = (after / p.object).round();
        values.set(Var::MemFrees, values.get(Var::MemFrees).max(values.get(Var::MemMallocs) - alive));
        let goal = after * (1.0 + p.gogc / 100.0) + p.live * 0.3 * (0.9 + 0.2 * rng.unit());
        values.set(Var::NextGc, goal.round());
        values.set(Var::LastGc, t as f64 - rng.unit());
        let pause = (40_000.0 + 900_000.0 * rng.unit() * rng.unit()).round() / 1e9;
        values.dist(Dist::Gc).observe(t, pause);
        self.last_gc = t;
    }

    /// Numbers of the heap, which change all the time.
    fn heap(&self, rng: &mut Rng, values: &mut Values) {
        let alloc = values.get(Var::MemAlloc);
        let inuse = ((alloc * 1.08 + 2.6e6 + 400_000.0 * rng.unit()) / PAGE).round() * PAGE;
        let sys = values.get(Var::MemHeapSys).max(inuse + 2e6);
        values.set(Var::MemHeapInuse, inuse);
        values.set(Var::MemHeapIdle, (sys - inuse).round());
        values.set(Var::MemHeapObjects, values.get(Var::MemMallocs) - values.get(Var::MemFrees));
    }

    /// What the runtime takes from the system, which changes now and then.
    fn system(&self, rng: &mut Rng, values: &mut Values) {
        let [buckets, metadata, released, heap_sys, spans, span_sys, other, system, rss] =
            self.profile.chance;
        let mut move_by = |chance: f64, var: Var, unit: f64, low: f64, high: f64| {
            if rng.unit() >= chance {
                return;
            }
            let now = values.get(var);
            let up = if now <= low { true } else { now < high && rng.unit() < 0.55 };
            let by = unit * (1.0 + rng.below(6) as f64);
            values.set(var, if up { now + by } else { (now - by).max(unit) });
        };
        let live = self.profile.live;
        move_by(buckets, Var::MemBuckHashSys, 264.0, f64::MAX, f64::MAX);
        move_by(metadata, Var::MemGcSys, 2048.0, 4e6, 4.4e6);
        move_by(released, Var::MemHeapReleased, PAGE, live * 0.3, live * 0.8);
        move_by(spans, Var::MemMspanInuse, 160.0, 186_000.0, 240_000.0);
        move_by(span_sys, Var::MemMspanSys, 16_320.0, 228_480.0, 310_080.0);
        move_by(other, Var::MemOtherSys, 272.0, 460_000.0, 860_000.0);
        move_by(system, Var::MemSys, 262_144.0, live * 2.4 + 1e7, live * 3.0 + 1e7);
        move_by(
            system,
            Var::VirtualMemory,
            262_144.0,
            self.profile.virtual_memory,
            1.06 * self.profile.virtual_memory,
        );
        move_by(rss, Var::Rss, 4096.0 * 32.0, self.profile.rss, 1.35 * self.profile.rss);
        // Stacks are taken from the heap: the two move together.
        if rng.unit() < heap_sys {
            let stacks = (30 + rng.below(24)) as f64 * STACK;
            values.add(Var::MemHeapSys, values.get(Var::MemStackInuse) - stacks);
            values.set(Var::MemStackInuse, stacks);
        }
    }

    /// What the kernel counts.
    fn process(&mut self, activity: f64, burst: f64, rng: &mut Rng, values: &mut Values) {
        let p = &self.profile;
        let extra = rng.unit() < p.extra_goroutine;
        if extra != self.extra {
            values.add(Var::Goroutines, if extra { 1.0 } else { -1.0 });
            self.extra = extra;
        }
        if p.cpu_burst >= 1.0 {
            self.cpu += p.cpu * activity * (0.8 + 0.4 * rng.unit()) + burst * 2.5e-9;
        } else if rng.unit() < p.cpu_burst {
            self.cpu += p.cpu * activity / p.cpu_burst * (0.7 + 0.6 * rng.unit());
        }
        values.set(Var::Cpu, (self.cpu * 100.0).floor() / 100.0);
        let received = (p.network * activity * (0.5 + rng.unit())).round().max(1.0);
        values.add(Var::NetReceived, received);
        values.add(Var::NetSent, (received * (0.25 + 0.1 * rng.unit())).round().max(1.0));
        if p.files.1 > 0 && rng.unit() < p.files_change {
            values.set(Var::OpenFds, p.files.0 + 3.0 * rng.below(p.files.1) as f64);
        }
    }

    /// More or fewer goroutines for good, such as one with each client.
    pub(crate) fn goroutines(&mut self, usual: f64, values: &mut Values) {
        values.set(Var::Goroutines, usual + f64::from(u8::from(self.extra)));
    }
}
