//! A server of a few names on port 53 of 127.0.0.1, by UDP and TCP.

use domain::base::iana::Rcode;
use domain::base::rdata::RecordData;
use domain::base::{Message, MessageBuilder, Name};
use domain::rdata::{A, AllRecordData};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{TcpListener, UdpSocket};
use std::sync::{Arc, Mutex};

pub(super) type Data = AllRecordData<Vec<u8>, Name<Vec<u8>>>;

#[derive(Default)]
struct Names {
    records: BTreeMap<String, Vec<Data>>,
    failing: BTreeSet<String>,
}

#[derive(Clone, Default)]
pub(super) struct Zone(Arc<Mutex<Names>>);

pub(super) fn name(text: &str) -> Name<Vec<u8>> {
    text.parse().unwrap()
}

impl Zone {
    /// Begins to serve in the namespace of the calling thread.
    pub(super) fn serve() -> Zone {
        let zone = Zone::default();
        let udp = UdpSocket::bind("127.0.0.1:53").unwrap();
        let tcp = TcpListener::bind("127.0.0.1:53").unwrap();
        let own = zone.clone();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok((n, from)) = udp.recv_from(&mut buffer) {
                // Who asked may be gone.
                let _ = udp.send_to(&own.answer(&buffer[..n], 1232), from);
            }
        });
        let own = zone.clone();
        std::thread::spawn(move || {
            for mut stream in tcp.incoming().flatten() {
                let own = own.clone();
                std::thread::spawn(move || {
                    let mut length = [0; 2];
                    while stream.read_exact(&mut length).is_ok() {
                        let mut question = vec![0; usize::from(u16::from_be_bytes(length))];
                        stream.read_exact(&mut question).unwrap();
                        let answer = own.answer(&question, usize::MAX);
                        let mut bytes = u16::try_from(answer.len()).unwrap().to_be_bytes().to_vec();
                        bytes.extend(answer);
                        // Who asked may be gone.
                        let _ = stream.write_all(&bytes);
                    }
                });
            }
        });
        zone
    }

    pub(super) fn put(&self, name: &str, data: Data) {
        self.0.lock().unwrap().records.entry(name.to_owned()).or_default().push(data);
    }

    pub(super) fn address(&self, name: &str, ip: [u8; 4]) {
        self.put(name, AllRecordData::A(A::new(ip.into())));
    }

    pub(super) fn remove(&self, name: &str) {
        self.0.lock().unwrap().records.remove(name);
    }

    /// The name is answered with SERVFAIL from now on.
    pub(super) fn fails(&self, name: &str) {
        self.0.lock().unwrap().failing.insert(name.to_owned());
    }

    /// The answer to a question, cut short when it is longer than `most` bytes.
    fn answer(&self, question: &[u8], most: usize) -> Vec<u8> {
        let question = Message::from_octets(question.to_vec()).unwrap();
        let asked = question.sole_question().unwrap();
        let name = format!("{}.", asked.qname().to_string().trim_end_matches('.'));
        let names = self.0.lock().unwrap();
        let code = if names.failing.contains(&name) {
            Rcode::SERVFAIL
        } else if names.records.contains_key(&name) {
            Rcode::NOERROR
        } else {
            Rcode::NXDOMAIN
        };
        let mut message = MessageBuilder::new_vec().start_answer(&question, code).unwrap();
        for data in names.records.get(&name).into_iter().flatten().filter(|_| code == Rcode::NOERROR) {
            if data.rtype() == asked.qtype() {
                message.push((asked.qname(), 60, data.clone())).unwrap();
            }
        }
        let whole = message.finish();
        if whole.len() <= most {
            return whole;
        }
        let mut short = MessageBuilder::new_vec().start_answer(&question, code).unwrap();
        short.header_mut().set_tc(true);
        short.finish()
    }
}
