//! A server of a few DNS names on loopback, by UDP and TCP, whose answers a test changes while it serves.

use domain::base::iana::Rcode;
use domain::base::rdata::RecordData;
use domain::base::{Message, MessageBuilder, Name, Rtype};
use domain::rdata::{A, AllRecordData};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Data of a record.
pub type Data = AllRecordData<Vec<u8>, Name<Vec<u8>>>;

/// Longest answer by UDP, bytes.
const DATAGRAM: usize = 1232;

#[derive(Default)]
struct Names {
    records: BTreeMap<String, Vec<Data>>,
    failing: BTreeSet<String>,
}

/// Names and their records; clones are the same zone. Full names end in a dot.
#[derive(Clone, Default)]
pub struct Zone(Arc<Mutex<Names>>);

impl Zone {
    /// Begins to serve on a free port of 127.0.0.1, and says which. Every answer by UDP comes after a datagram that answers
    /// nothing.
    ///
    /// # Errors
    /// As the operating system says.
    pub fn serve(&self) -> io::Result<u16> {
        loop {
            let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
            let address = udp.local_addr()?;
            // A port that is free for one may be taken for the other.
            if let Ok(tcp) = TcpListener::bind(address) {
                self.run(udp, tcp, true);
                return Ok(address.port());
            }
        }
    }

    /// Begins to serve at an address in the network namespace of the calling thread.
    ///
    /// # Errors
    /// As the operating system says.
    pub fn serve_at(&self, address: SocketAddr) -> io::Result<()> {
        self.run(UdpSocket::bind(address)?, TcpListener::bind(address)?, false);
        Ok(())
    }

    fn run(&self, udp: UdpSocket, tcp: TcpListener, strays: bool) {
        let own = self.clone();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok((n, from)) = udp.recv_from(&mut buffer) {
                let Some(answer) = own.answer(buffer.get(..n).unwrap_or(&[]), DATAGRAM) else { continue };
                // Who asked may be gone.
                if strays {
                    let _ = udp.send_to(&[0; 12], from);
                }
                let _ = udp.send_to(&answer, from);
            }
        });
        let own = self.clone();
        std::thread::spawn(move || {
            for stream in tcp.incoming().flatten() {
                let own = own.clone();
                // Who asks may end at any time.
                std::thread::spawn(move || own.converse(stream));
            }
        });
    }

    /// Answers over a connection until it ends.
    fn converse(&self, mut stream: TcpStream) -> io::Result<()> {
        loop {
            let mut length = [0; 2];
            stream.read_exact(&mut length)?;
            let mut question = vec![0; usize::from(u16::from_be_bytes(length))];
            stream.read_exact(&mut question)?;
            let Some(answer) = self.answer(&question, usize::from(u16::MAX)) else { return Ok(()) };
            let mut bytes = (answer.len() as u16).to_be_bytes().to_vec();
            bytes.extend(answer);
            stream.write_all(&bytes)?;
        }
    }

    /// Adds a record.
    pub fn put(&self, name: &str, data: Data) {
        self.names().records.entry(name.to_owned()).or_default().push(data);
    }

    /// Adds an address of version 4.
    pub fn address(&self, name: &str, ip: [u8; 4]) {
        self.put(name, AllRecordData::A(A::new(ip.into())));
    }

    /// The name is there, with no records.
    pub fn empty(&self, name: &str) {
        self.names().records.insert(name.to_owned(), Vec::new());
    }

    /// The name is not there any more.
    pub fn remove(&self, name: &str) {
        self.names().records.remove(name);
    }

    /// The name is answered with SERVFAIL from now on.
    pub fn fails(&self, name: &str) {
        self.names().failing.insert(name.to_owned());
    }

    fn names(&self) -> MutexGuard<'_, Names> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer to a question, cut short when it is longer than `most` bytes; nothing to what is none.
    fn answer(&self, question: &[u8], most: usize) -> Option<Vec<u8>> {
        let question = Message::from_octets(question.to_vec()).ok()?;
        let asked = question.sole_question().ok()?;
        let name = format!("{}.", asked.qname().to_string().trim_end_matches('.'));
        let names = self.names();
        let code = if names.failing.contains(&name) {
            Rcode::SERVFAIL
        } else if names.records.contains_key(&name) {
            Rcode::NOERROR
        } else {
            Rcode::NXDOMAIN
        };
        let mut message = MessageBuilder::new_vec().start_answer(&question, code).ok()?;
        for data in names.records.get(&name).into_iter().flatten().filter(|_| code == Rcode::NOERROR) {
            if [asked.qtype(), Rtype::CNAME].contains(&data.rtype()) {
                message.push((asked.qname(), 60, data.clone())).ok()?;
            }
        }
        let whole = message.finish();
        if whole.len() <= most {
            return Some(whole);
        }
        let mut short = MessageBuilder::new_vec().start_answer(&question, code).ok()?;
        short.header_mut().set_tc(true);
        Some(short.finish())
    }
}
