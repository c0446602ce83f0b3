//! Chunks come back by reference and by reading all; damage keeps what is before it.

use super::*;
use tortie_host::MemFs;

fn chunk(ref_id: u64, mint: i64, n: usize) -> ToWrite {
    ToWrite { ref_id, mint, maxt: mint + 9, encoding: 1, data: vec![ref_id as u8; n].into() }
}

fn load_all(fs: &MemFs) -> (ChunkFiles, Vec<Loaded>, usize) {
    let fs: Arc<dyn Fs> = Arc::new(fs.clone());
    let mut got = Vec::new();
    let (files, damage) = load(&fs, Path::new("/d/chunks_head"), Path::new("/d/quarantine"), &mut |l| {
        got.push(l);
        true
    })
    .unwrap();
    (files, got, damage.len())
}

#[test]
fn written_chunks_are_read_by_reference_and_after_a_restart() {
    let fs = MemFs::new();
    let (files, _, _) = load_all(&fs);
    let chunks: Vec<_> = (1..50).map(|i| chunk(i, i as i64 * 10, 20 + i as usize * 40)).collect();
    let (refs, err) = files.write(&chunks);
    assert!(err.is_none());
    assert_eq!(refs[0], 1 << 32 | 8);
    let mut out = Vec::new();
    for (r, c) in refs.iter().zip(&chunks) {
        assert_eq!(files.read(*r, &mut out).unwrap(), 1);
        assert_eq!(out[..], c.data[..]);
    }
    let (again, got, damage) = load_all(&fs);
    assert_eq!((got.len(), damage), (49, 0));
    assert_eq!(
        got[7],
        Loaded { ref_id: 8, mint: 80, maxt: 89, encoding: 1, out_of_order: false, chunk_ref: refs[7] }
    );
    // A start writes to a new file.
    let (refs, _) = again.write(&chunks[..1]);
    assert_eq!(refs, [2 << 32 | 8]);
}

#[test]
fn damage_keeps_what_is_before_it_and_sets_the_rest_aside() {
    let fs = MemFs::new();
    let (files, _, _) = load_all(&fs);
    let (refs, _) = files.write(&[chunk(1, 0, 30), chunk(2, 0, 30), chunk(3, 0, 30)]);
    files.truncate(0).unwrap();
    files.write(&[chunk(4, 0, 30)]);
    let path = Path::new("/d/chunks_head/000001");
    let at = unpack(refs[1]).1 + 40;
    fs.open_rw(path).unwrap().write_all_at(b"\xff", at).unwrap();
    let (files, got, damage) = load_all(&fs);
    assert_eq!(got.iter().map(|l| l.ref_id).collect::<Vec<_>>(), [1]);
    assert_eq!(damage, 1);
    assert_eq!(fs.list(Path::new("/d/quarantine")).unwrap(), ["chunks_head-000001", "chunks_head-000002"]);
    assert!(matches!(files.read(refs[1], &mut Vec::new()), Err(StorageError::Corrupt(_))));
    let (_, got, damage) = load_all(&fs);
    assert_eq!((got.len(), damage), (1, 0), "mended once");
}

#[test]
fn every_cut_of_the_last_file_is_mended() {
    let fs = MemFs::new();
    let (files, _, _) = load_all(&fs);
    files.write(&[chunk(1, 0, 30), chunk(2, 0, 30)]);
    let path = Path::new("/d/chunks_head/000001");
    let len = fs.read(path).unwrap().len();
    for cut in (0..len).rev() {
        fs.open_rw(path).unwrap().set_len(cut as u64).unwrap();
        let (_, got, _) = load_all(&fs);
        assert!(got.len() < 2);
        let (_, _, damage) = load_all(&fs);
        assert_eq!(damage, 0);
        if fs.kind(path).is_none() {
            break;
        }
    }
}

#[test]
fn old_files_go() {
    let fs = MemFs::new();
    let (files, _, _) = load_all(&fs);
    files.write(&[chunk(1, 0, 30)]);
    files.truncate(0).unwrap();
    files.write(&[chunk(2, 0, 30)]);
    files.truncate(2).unwrap();
    assert_eq!(fs.list(Path::new("/d/chunks_head")).unwrap(), ["000002"]);
}

#[test]
fn a_full_disk_says_how_far_it_came() {
    let fs = MemFs::new();
    let (files, _, _) = load_all(&fs);
    fs.set_fault(Some(tortie_host::fs::Fault::FullAfter(20)));
    let (refs, err) = files.write(&[chunk(1, 0, 30)]);
    assert!(refs.is_empty() && err.is_some());
    fs.set_fault(None);
    let (refs, err) = files.write(&[chunk(1, 0, 30)]);
    assert!(refs.len() == 1 && err.is_none());
    assert_eq!(load_all(&fs).1.len(), 1);
}
