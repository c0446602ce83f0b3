//! Runs Prometheus' `.test` scripts: load series, evaluate expressions, compare with what is expected.
//!
//! Reading order: [`command`] (a file's commands), [`load`] and [`expect`] (their bodies), [`values`] (described values to
//! samples), [`storage`] (where loaded series stand), [`evaluate`] (one `eval`), [`compare`] (answers with expectations),
//! [`unit`] (promtool's unit tests of rules).

mod command;
mod compare;
mod evaluate;
mod expect;
mod load;
mod nhcb;
mod start_times;
pub mod storage;
pub mod unit;
mod values;

use command::Command;
use evaluate::Runner;
use std::fmt;
use storage::Memory;

/// How a script went.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Number of `eval` commands whose answers were as expected.
    pub passed: usize,
    /// Number of `eval` commands that failed, plus commands that could not be read or executed.
    pub failed: usize,
    /// What failed, in order.
    pub failures: Vec<Failure>,
}

impl Summary {
    /// Adds what another script gave.
    pub fn add(&mut self, other: Summary) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.failures.extend(other.failures);
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

/// A command that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The file's name.
    pub file: String,
    /// Line of the command, from one.
    pub line: usize,
    /// The expression, or the line itself when it is no `eval`.
    pub expr: String,
    /// What was expected and what there was.
    pub why: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}: {}", self.file, self.line, self.expr, self.why)
    }
}

/// Runs a script; `report` hears of each failure as it happens. A command that fails does not stop the script.
pub fn run(text: &str, file_name: &str, report: &mut dyn FnMut(&Failure)) -> Summary {
    let mut summary = Summary::default();
    let mut storage = Memory::default();
    let runner = Runner::new();
    for (line, source, parsed) in command::parse(text) {
        let outcome = match parsed {
            Err(why) => Err((source.clone(), why)),
            Ok(Command::Clear) => {
                storage = Memory::default();
                Ok(false)
            }
            Ok(Command::Load(load)) => {
                load.append(&mut storage).map(|()| false).map_err(|why| (source.clone(), why))
            }
            Ok(Command::Eval(eval)) => {
                let result = runner.run(&storage, &eval);
                result.map(|()| true).map_err(|why| (eval.expr.clone(), why))
            }
        };
        match outcome {
            Ok(was_eval) => summary.passed += usize::from(was_eval),
            Err((expr, why)) => {
                let failure = Failure { file: file_name.to_owned(), line, expr, why };
                report(&failure);
                summary.failed += 1;
                summary.failures.push(failure);
            }
        }
    }
    summary
}

/// The expressions of all `eval` commands of a script.
pub fn expressions(text: &str) -> Vec<String> {
    let commands = command::parse(text).into_iter();
    commands
        .filter_map(|(_, _, c)| if let Ok(Command::Eval(body)) = c { Some(body.expr) } else { None })
        .collect()
}
