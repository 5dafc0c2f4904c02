//! Parses one transcript again and again; prints what `cargo xtask bench transcripts` puts beside other parsers.
//!
//! Every round makes text of the file's bytes, parses it, and reads times, speaker and text of every cue.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measurement reads the clock and prints what it found"
)]

use std::time::Instant;

use parfocal_formats::vtt;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().ok_or("which file?")?;
    let rounds: u32 = arguments.next().ok_or("how many rounds?")?.parse()?;
    let bytes = std::fs::read(file)?;
    let (mut best, mut cues, mut heap, mut seen) = (f64::INFINITY, 0, 0, 0_usize);
    for _ in 0..rounds {
        let began = Instant::now();
        let text = vtt::decode(&bytes);
        let transcript = vtt::parse(&text)?;
        for cue in transcript.cues() {
            seen += cue.text.len()
                + cue.speaker.map_or(0, |name| name.len())
                + cue.start_ms as usize
                + cue.end_ms as usize;
        }
        best = best.min(began.elapsed().as_secs_f64());
        cues = transcript.len();
        heap = transcript.heap_bytes();
    }
    // The sum is printed so that no reading is optimised away.
    println!(
        "{}",
        serde_json::json!({"bytes": bytes.len(), "cues": cues, "seconds": best, "heap": heap, "seen": seen})
    );
    Ok(())
}
