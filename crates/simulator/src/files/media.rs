//! Stand-ins for video and audio: an ISO media file whose `mdat` is filler derived from its name and offset.

use bytes::{BufMut as _, Bytes, BytesMut};

/// Bytes before the filler: `ftyp` (32), `moov` with `mvhd` (116), the head of `mdat` (8).
const HEAD: u64 = 32 + 116 + 8;

/// A media file of any size that takes no memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Media {
    seed: u64,
    size: u64,
    seconds: u32,
    audio: bool,
}

impl Media {
    /// A file of `size` bytes (at least the head) that says it is `seconds` long.
    #[must_use]
    pub fn new(seed: u64, size: u64, seconds: u32, audio: bool) -> Self {
        Self {
            seed,
            size: size.clamp(HEAD + 8, u64::from(u32::MAX)),
            seconds,
            audio,
        }
    }

    /// A size for a recording: video about 4 KB a second, audio about 1 KB, so that downloads stay quick.
    #[must_use]
    pub fn size_for(seconds: u32, audio: bool, seed: u64) -> u64 {
        let rate = if audio { 96 } else { 384 };
        HEAD + 4_096 + u64::from(seconds) * rate + seed % 4_096
    }

    /// Number of bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// `len` bytes from `offset`; the caller keeps both within the size.
    #[must_use]
    pub fn read(&self, offset: u64, len: usize) -> Bytes {
        let mut out = BytesMut::with_capacity(len);
        let end = offset + len as u64;
        let mut at = offset;
        if at < HEAD {
            let head = self.head();
            let from = usize::try_from(at).unwrap_or(head.len());
            let to = usize::try_from(end.min(HEAD)).unwrap_or(head.len());
            out.put_slice(&head[from..to]);
            at = end.min(HEAD);
        }
        while at < end {
            let block = at / 8;
            let skip = usize::try_from(at % 8).unwrap_or(0);
            let bytes = filler(self.seed, block);
            let take = (8 - skip).min(usize::try_from(end - at).unwrap_or(8));
            out.put_slice(&bytes[skip..skip + take]);
            at += take as u64;
        }
        out.freeze()
    }

    fn head(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(160);
        out.put_u32(32);
        out.put_slice(b"ftyp");
        out.put_slice(if self.audio { b"M4A " } else { b"isom" });
        out.put_u32(512);
        out.put_slice(if self.audio {
            b"M4A mp42isom"
        } else {
            b"isommp42avc1"
        });
        out.put_slice(b"iso2");
        out.put_u32(116);
        out.put_slice(b"moov");
        out.put_u32(108);
        out.put_slice(b"mvhd");
        out.put_slice(&[0; 12]);
        out.put_u32(1_000);
        out.put_u32(self.seconds.saturating_mul(1_000));
        out.put_u32(0x0001_0000);
        out.put_u16(0x0100);
        out.put_slice(&[0; 10]);
        for value in [0x0001_0000, 0, 0, 0, 0x0001_0000, 0, 0, 0, 0x4000_0000] {
            out.put_u32(value);
        }
        out.put_slice(&[0; 24]);
        out.put_u32(2);
        out.put_u32(u32::try_from(self.size - HEAD + 8).unwrap_or(u32::MAX));
        out.put_slice(b"mdat");
        out
    }
}

fn filler(seed: u64, block: u64) -> [u8; 8] {
    let mut z = seed ^ block.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_fill_the_file_exactly() {
        for audio in [false, true] {
            let media = Media::new(9, 5_000, 61, audio);
            let all = media.read(0, 5_000);
            let mut at = 0;
            let mut names = Vec::new();
            while at < all.len() {
                let size = u32::from_be_bytes(all[at..at + 4].try_into().unwrap()) as usize;
                names.push(String::from_utf8_lossy(&all[at + 4..at + 8]).into_owned());
                at += size;
            }
            assert_eq!(at, all.len());
            assert_eq!(names, ["ftyp", "moov", "mdat"]);
        }
    }

    #[test]
    fn any_range_is_a_piece_of_the_whole() {
        let media = Media::new(3, 2_000, 5, false);
        let all = media.read(0, 2_000);
        for (offset, len) in [
            (0, 1),
            (0, 200),
            (100, 100),
            (155, 3),
            (156, 9),
            (1_777, 223),
        ] {
            assert_eq!(media.read(offset as u64, len), all[offset..offset + len]);
        }
    }
}
