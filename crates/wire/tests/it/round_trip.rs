//! Properties: the parser reads what the writer writes, and no bytes make it panic or loop.

use proptest::prelude::*;
use tortie_model::{Labels, LabelsBuilder};
use tortie_wire::MetricType;
use tortie_wire::text::{Entry, Parser, Writer, value_to_newline};

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z_]{1,6}", "[a-z.\"\\\\\n ü]{1,8}"].prop_map(String::from)
}

proptest! {
    #[test]
    fn written_is_read(name in text(), labels in prop::collection::btree_map("[a-zé.]{1,4}", text(), 0..5), bits in any::<u64>(), t in prop::option::of(0i64..i64::MAX)) {
        let value = f64::from_bits(bits);
        let pairs: Vec<(&str, &str)> = labels.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let mut w = Writer::new();
        w.family(&name, MetricType::Gauge, "help\\ \n");
        match t {
            Some(t) => w.sample_at(&name, pairs.iter().copied(), value, t),
            None => w.sample(&name, pairs.iter().copied(), value),
        }
        let body = w.into_bytes();
        let mut p = Parser::new(&body);
        let mut samples = 0;
        while let Some(e) = p.next().unwrap() {
            match e {
                Entry::Help { text, .. } => prop_assert_eq!(text, "help\\ \n"),
                Entry::Sample(s) => {
                    samples += 1;
                    let mut b = LabelsBuilder::new();
                    p.labels(&mut b).unwrap();
                    let expect = Labels::from_pairs(pairs.iter().copied().chain([("__name__", name.as_str())]));
                    prop_assert_eq!(b.labels(), expect);
                    prop_assert!(s.value == value || (s.value.is_nan() && value.is_nan()));
                    prop_assert_eq!(s.timestamp, t);
                }
                _ => {}
            }
        }
        prop_assert_eq!(samples, 1);
    }

    #[test]
    fn any_bytes_end(body in prop::collection::vec(any::<u8>(), 0..200)) {
        run(&body);
    }

    #[test]
    fn bytes_of_the_grammar_end(parts in prop::collection::vec(prop::sample::select(vec!["a", "{", "}", "\"", "\\", "=", ",", " ", "\n", "1", "# TYPE ", "# HELP ", "\0", "le", "e5", "\u{e9}", "\t", "#"]), 0..40)) {
        run(parts.concat().as_bytes());
    }

    #[test]
    fn the_hot_loop_agrees_with_the_parser(value in "-?[0-9]{0,17}(\\.[0-9]{0,5})?(e[0-9]{1,2})?( 5)?") {
        let rest = format!("{value}\nnext 1\n");
        if let Some((v, used)) = value_to_newline(rest.as_bytes()) {
            let line = format!("a {value}\n");
            let Ok(Some(Entry::Sample(s))) = Parser::new(line.as_bytes()).next() else { panic!("{line:?} is no sample") };
            prop_assert_eq!(s.value.to_bits(), v.to_bits());
            prop_assert_eq!(s.timestamp, None);
            prop_assert_eq!(used, value.len() + 1);
        }
    }
}

fn run(body: &[u8]) {
    let mut p = Parser::new(body);
    let mut b = LabelsBuilder::new();
    let mut entries = 0;
    while let Ok(Some(e)) = p.next() {
        if let Entry::Sample(_) = e {
            let _ = p.labels(&mut b);
        }
        entries += 1;
        assert!(entries <= body.len() + 1, "no progress");
    }
}
