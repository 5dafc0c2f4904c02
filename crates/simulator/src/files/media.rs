//! Stand-ins for video and audio: an ISO media file with as much silence as it says, which any player plays, and filler behind
//! it that is derived from its name and offset, so that no two files are alike.

use bytes::{BufMut as _, Bytes, BytesMut};

/// Bytes before the sound: `ftyp` (32), `moov` (545), the head of `mdat` (8).
const HEAD: u64 = 32 + 545 + 8;
/// The head of the `free` box that holds the filler.
const FREE: u64 = 8;
/// A frame of silence: AAC-LC, one channel, padded with nothing.
const FRAME: [u8; 12] = [0x00, 0xc8, 0x00, 0x80, 0x23, 0x80, 0, 0, 0, 0, 0, 0];
/// Samples a second, and those of one frame.
const RATE: u32 = 8_000;
const SAMPLES: u32 = 1_024;

/// A media file of any size that takes no memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Media {
    seed: u64,
    size: u64,
    seconds: u32,
    audio: bool,
}

impl Media {
    /// A file of `size` bytes (at least the head) that says it is `seconds` long. It has silence for all of them where the
    /// size leaves room for it.
    #[must_use]
    pub fn new(seed: u64, size: u64, seconds: u32, audio: bool) -> Self {
        Self {
            seed,
            size: size.clamp(HEAD + FRAME.len() as u64 + FREE, u64::from(u32::MAX)),
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
        let free_at = HEAD + u64::from(self.frames()) * FRAME.len() as u64;
        let small = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        if at < end.min(HEAD) {
            let head = self.head();
            out.put_slice(&head[small(at)..small(end.min(HEAD))]);
            at = end.min(HEAD);
        }
        while at < end.min(free_at) {
            let within = small((at - HEAD) % FRAME.len() as u64);
            let take = (FRAME.len() - within).min(small(end.min(free_at) - at));
            out.put_slice(&FRAME[within..within + take]);
            at += take as u64;
        }
        if at < end.min(free_at + FREE) {
            let mut head = Vec::with_capacity(8);
            head.put_u32(u32::try_from(self.size - free_at).unwrap_or(u32::MAX));
            head.put_slice(b"free");
            let to = end.min(free_at + FREE);
            out.put_slice(&head[small(at - free_at)..small(to - free_at)]);
            at = to;
        }
        while at < end {
            let block = at / 8;
            let skip = small(at % 8);
            let bytes = filler(self.seed, block);
            let take = (8 - skip).min(small(end - at));
            out.put_slice(&bytes[skip..skip + take]);
            at += take as u64;
        }
        out.freeze()
    }

    /// Frames of silence.
    fn frames(&self) -> u32 {
        let wanted = u64::from(self.seconds) * u64::from(RATE) / u64::from(SAMPLES) + 1;
        let room = (self.size - HEAD - FREE) / FRAME.len() as u64;
        u32::try_from(wanted.min(room)).unwrap_or(u32::MAX)
    }

    fn head(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(640);
        nested(&mut out, *b"ftyp", |out| {
            out.put_slice(if self.audio { b"M4A " } else { b"isom" });
            out.put_u32(512);
            out.put_slice(if self.audio {
                b"M4A mp42isom"
            } else {
                b"isommp42avc1"
            });
            out.put_slice(b"iso2");
        });
        let milliseconds = self.seconds.saturating_mul(1_000);
        nested(&mut out, *b"moov", |out| {
            nested(out, *b"mvhd", |out| {
                out.put_slice(&[0; 12]);
                out.put_u32(1_000);
                out.put_u32(milliseconds);
                out.put_u32(0x0001_0000);
                out.put_u16(0x0100);
                out.put_slice(&[0; 10]);
                matrix(out);
                out.put_slice(&[0; 24]);
                out.put_u32(2);
            });
            nested(out, *b"trak", |out| {
                nested(out, *b"tkhd", |out| {
                    // Enabled, and part of what is played.
                    out.put_u32(3);
                    out.put_slice(&[0; 8]);
                    out.put_u32(1);
                    out.put_u32(0);
                    out.put_u32(milliseconds);
                    out.put_slice(&[0; 12]);
                    out.put_u16(0x0100);
                    out.put_u16(0);
                    matrix(out);
                    out.put_slice(&[0; 8]);
                });
                nested(out, *b"mdia", |out| self.sound(out));
            });
        });
        let sound = self.frames().saturating_mul(12).saturating_add(8);
        out.put_u32(sound);
        out.put_slice(b"mdat");
        out
    }

    /// What the `mdia` box of the track holds.
    fn sound(&self, out: &mut Vec<u8>) {
        let frames = self.frames();
        nested(out, *b"mdhd", |out| {
            out.put_slice(&[0; 12]);
            out.put_u32(RATE);
            out.put_u32(frames.saturating_mul(SAMPLES));
            // No language.
            out.put_u32(0x55c4_0000);
        });
        nested(out, *b"hdlr", |out| {
            out.put_slice(&[0; 8]);
            out.put_slice(b"soun");
            out.put_slice(&[0; 12]);
            out.put_slice(b"Sound\0");
        });
        nested(out, *b"minf", |out| {
            nested(out, *b"smhd", |out| out.put_slice(&[0; 8]));
            nested(out, *b"dinf", |out| {
                nested(out, *b"dref", |out| {
                    out.put_u32(0);
                    out.put_u32(1);
                    // In this file.
                    nested(out, *b"url ", |out| out.put_u32(1));
                });
            });
            nested(out, *b"stbl", |out| {
                nested(out, *b"stsd", |out| {
                    out.put_u32(0);
                    out.put_u32(1);
                    nested(out, *b"mp4a", |out| {
                        out.put_slice(&[0, 0, 0, 0, 0, 0, 0, 1]);
                        out.put_slice(&[0; 8]);
                        // One channel of 16 bits.
                        out.put_u16(1);
                        out.put_u16(16);
                        out.put_u32(0);
                        out.put_u32(RATE << 16);
                        nested(out, *b"esds", |out| {
                            out.put_u32(0);
                            // Elementary stream, decoder (AAC, sound), its configuration (LC, 8 kHz, one channel), sync layer.
                            out.put_slice(&[0x03, 25, 0, 1, 0, 0x04, 17, 0x40, 0x15]);
                            out.put_slice(&[0; 11]);
                            out.put_slice(&[0x05, 2, 0x15, 0x88, 0x06, 1, 2]);
                        });
                    });
                });
                nested(out, *b"stts", |out| {
                    for value in [0, 1, frames, SAMPLES] {
                        out.put_u32(value);
                    }
                });
                nested(out, *b"stsc", |out| {
                    for value in [0, 1, 1, frames, 1] {
                        out.put_u32(value);
                    }
                });
                nested(out, *b"stsz", |out| {
                    for value in [0, 12, frames] {
                        out.put_u32(value);
                    }
                });
                nested(out, *b"stco", |out| {
                    for value in [0, 1, u32::try_from(HEAD).unwrap_or(u32::MAX)] {
                        out.put_u32(value);
                    }
                });
            });
        });
    }
}

/// A box: its size, its name, what is in it.
fn nested(out: &mut Vec<u8>, name: [u8; 4], inner: impl FnOnce(&mut Vec<u8>)) {
    let at = out.len();
    out.put_u32(0);
    out.put_slice(&name);
    inner(out);
    let size = u32::try_from(out.len() - at).unwrap_or(u32::MAX);
    out[at..at + 4].copy_from_slice(&size.to_be_bytes());
}

/// The matrix that turns and scales nothing.
fn matrix(out: &mut Vec<u8>) {
    for value in [0x0001_0000, 0, 0, 0, 0x0001_0000, 0, 0, 0, 0x4000_0000] {
        out.put_u32(value);
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
        for (audio, size) in [(false, 5_000), (true, 5_000), (true, 700), (true, 0)] {
            let media = Media::new(9, size, 61, audio);
            let all = media.read(0, usize::try_from(media.size()).unwrap());
            let mut at = 0;
            let mut names = Vec::new();
            while at < all.len() {
                let size = u32::from_be_bytes(all[at..at + 4].try_into().unwrap()) as usize;
                names.push(String::from_utf8_lossy(&all[at + 4..at + 8]).into_owned());
                // The sound begins where the table of chunks says.
                assert!(names.last().unwrap() != "mdat" || at as u64 + 8 == HEAD);
                at += size;
            }
            assert_eq!(at, all.len());
            assert_eq!(names, ["ftyp", "moov", "mdat", "free"]);
        }
    }

    #[test]
    fn a_recording_has_sound_for_all_of_its_time() {
        for audio in [false, true] {
            let media = Media::new(7, Media::size_for(3_600, audio, 7), 3_600, audio);
            assert!(media.frames() * SAMPLES >= 3_600 * RATE);
        }
    }

    #[test]
    fn any_range_is_a_piece_of_the_whole() {
        let media = Media::new(3, 2_000, 5, false);
        let all = media.read(0, 2_000);
        for (offset, len) in [
            (0, 1),
            (0, 200),
            (100, 700),
            (584, 3),
            (585, 9),
            (590, 1_300),
            (1_050, 30),
            (1_777, 223),
        ] {
            assert_eq!(media.read(offset as u64, len), all[offset..offset + len]);
        }
        assert_ne!(Media::new(4, 2_000, 5, false).read(0, 2_000), all);
    }
}
