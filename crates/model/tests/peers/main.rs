//! Compares this crate with Go itself: mathematics by bits, floats by text, regular expressions by what they accept,
//! match and fill. Needs the programs of `peers/` built into the folder that `TORTIE_PEERS_BIN` names; fails without.

#![allow(clippy::print_stdout)] // what was counted and measured is printed
#![allow(clippy::disallowed_methods)] // a test binary starts programs and reads its environment

mod floats;
mod mathematics;
mod patterns;

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Numbers as the Go programs draw them.
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = self.0;
        let z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
}

/// Ten million with `TORTIE_EFFORT=full`, else a hundred thousand.
fn effort() -> usize {
    if std::env::var("TORTIE_EFFORT").is_ok_and(|e| e == "full") { 10_000_000 } else { 100_000 }
}

fn program(name: &str) -> Command {
    let dir =
        std::env::var("TORTIE_PEERS_BIN").expect("TORTIE_PEERS_BIN names the folder of the built peers");
    let path = PathBuf::from(dir).join(name);
    assert!(path.exists(), "{} is not built", path.display());
    Command::new(path)
}

/// What the program prints when it reads `input`.
fn ask(mut command: Command, input: &[u8]) -> Vec<u8> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the peer starts");
    let mut stdin = child.stdin.take().expect("stdin is a pipe");
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().expect("the peer ends");
    writer.join().expect("the writer ends").expect("the peer reads all");
    assert!(output.status.success(), "the peer failed: {}", output.status);
    output.stdout
}
