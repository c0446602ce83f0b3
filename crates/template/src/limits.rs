//! What one execution may use: steps, output, memory, nesting, queries.

/// How many times [`Limits::depth`] blocks may run within each other, over all templates.
const BLOCKS: u32 = 3;

/// Bounds of one execution. What goes over one ends with an [`crate::Error`] of kind [`crate::ErrorKind::Limit`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most nodes, operands and loop rounds that are evaluated.
    pub steps: u64,
    /// Longest output, bytes.
    pub output: usize,
    /// Most bytes that texts built on the way may have together.
    pub memory: usize,
    /// Deepest nesting: of blocks and parentheses in the text, and of templates that run within templates.
    pub depth: u32,
    /// Most queries.
    pub queries: u32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { steps: 100_000, output: 256 << 10, memory: 8 << 20, depth: 64, queries: 100 }
    }
}

/// What is left of [`Limits`] while an execution runs.
#[derive(Debug)]
pub(crate) struct Meter {
    limits: Limits,
    steps: u64,
    memory: usize,
    queries: u32,
}

impl Meter {
    pub(crate) fn new(limits: Limits) -> Meter {
        Meter { limits, steps: limits.steps, memory: limits.memory, queries: limits.queries }
    }

    /// Takes `n` steps.
    pub(crate) fn step(&mut self, n: u64) -> Result<(), String> {
        match self.steps.checked_sub(n) {
            Some(left) => {
                self.steps = left;
                Ok(())
            }
            None => Err(format!("exceeded the limit of {} steps", self.limits.steps)),
        }
    }

    /// Takes `n` bytes of memory.
    pub(crate) fn take(&mut self, n: usize) -> Result<(), String> {
        match self.memory.checked_sub(n) {
            Some(left) => {
                self.memory = left;
                Ok(())
            }
            None => Err(format!("exceeded the limit of {} bytes of text", self.limits.memory)),
        }
    }

    /// Bytes of memory that may still be taken.
    pub(crate) fn memory_left(&self) -> usize {
        self.memory
    }

    /// Takes one query.
    pub(crate) fn query(&mut self) -> Result<(), String> {
        match self.queries.checked_sub(1) {
            Some(left) => {
                self.queries = left;
                Ok(())
            }
            None => Err(format!("exceeded the limit of {} queries", self.limits.queries)),
        }
    }

    /// Whether the output of `len` bytes is still short enough.
    pub(crate) fn output(&self, len: usize) -> Result<(), String> {
        if len <= self.limits.output {
            return Ok(());
        }
        Err(format!("exceeded the limit of {} bytes of output", self.limits.output))
    }

    /// Whether templates may run within templates `depth` deep, with `blocks` blocks around in all.
    pub(crate) fn depth(&self, depth: u32, blocks: u32) -> Result<(), String> {
        if depth <= self.limits.depth && blocks <= self.limits.depth.saturating_mul(BLOCKS) {
            return Ok(());
        }
        Err(format!("exceeded maximum template depth ({})", self.limits.depth))
    }
}
