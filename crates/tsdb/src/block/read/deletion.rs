//! Deleting samples of a block: by intervals in its `tombstones`, the block's other files stay as they are.

use super::series::SeriesReader;
use super::{AHEAD, Block, Tombstones};
use crate::block::BlockError;
use tortie_host::Fs;
use tortie_model::Matcher;

impl Block {
    /// Deletes the samples in `[mint, maxt]` (milliseconds, both inclusive) of the series that satisfy all matchers.
    /// Gives how many series have chunks there.
    ///
    /// # Errors
    /// When the index cannot be read or the disk refuses; nothing is deleted then.
    pub fn delete(
        &self,
        fs: &dyn Fs,
        matchers: &[Matcher],
        mint: i64,
        maxt: i64,
    ) -> Result<usize, BlockError> {
        let symbols = self.symbols()?;
        let mut reader = SeriesReader::new(&self.index, &symbols, AHEAD / 4);
        let mut chunks = Vec::new();
        let mut stones: Tombstones = (*self.tombstones()).clone();
        let mut touched = 0;
        for r in self.series_refs(matchers)? {
            reader.read(r, &mut chunks)?;
            let (Some(first), Some(last)) = (chunks.first(), chunks.last()) else { continue };
            // Within what the series has, as Prometheus notes it.
            let (from, to) = (mint.max(first.mint), maxt.min(last.maxt));
            if from <= to {
                stones.add(u64::from(r), from, to);
                touched += 1;
            }
        }
        if touched > 0 {
            self.set_tombstones(fs, stones)?;
        }
        Ok(touched)
    }
}
