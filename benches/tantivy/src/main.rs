//! Tantivy over texts, one a line: an index of single texts, the twenty best with their snippets, words joined by OR and
//! by AND.
//!
//! Usage: `parfocal-bench-tantivy TEXTS QUERIES FOLDER SECONDS`. Every query is asked twice and timed the second time;
//! past the seconds no further one is asked. Prints the figures as JSON.

use std::error::Error;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;
use tantivy::collector::TopDocs;
use tantivy::query::QueryParser;
use tantivy::schema::{STORED, Schema, TEXT};
use tantivy::snippet::SnippetGenerator;
use tantivy::{Index, Searcher, TantivyDocument, doc};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Memory of the writer.
const BUDGET: usize = 100_000_000;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [texts, queries, folder, seconds] = arguments.as_slice() else {
        return Err("TEXTS QUERIES FOLDER SECONDS".into());
    };
    let mut schema = Schema::builder();
    let said = schema.add_text_field("said", TEXT | STORED);
    if Path::new(folder).exists() {
        std::fs::remove_dir_all(folder)?;
    }
    std::fs::create_dir_all(folder)?;
    let index = Index::create_in_dir(folder, schema.build())?;
    let mut writer = index.writer_with_num_threads::<TantivyDocument>(1, BUDGET)?;
    let mut rows = 0_u64;
    for line in BufReader::new(std::fs::File::open(texts)?).lines() {
        writer.add_document(doc!(said => line?))?;
        rows += 1;
    }
    writer.commit()?;
    let segments = index.searchable_segment_ids()?;
    if segments.len() > 1 {
        writer.merge(&segments).wait()?;
    }
    writer.wait_merging_threads()?;
    let queries = std::fs::read_to_string(queries)?;
    let searcher = index.reader()?.searcher();
    let ask = |every: bool| -> Result<(f64, f64, usize)> {
        let mut parser = QueryParser::for_index(&index, vec![said]);
        if every {
            parser.set_conjunction_by_default();
        }
        measure(&searcher, &parser, said, &queries, seconds.parse()?)
    };
    let (either, every) = (ask(false)?, ask(true)?);
    println!(
        "{}",
        json!({ "rows": rows, "version": tantivy::version().to_string(), "p50_ms": either.0, "p95_ms": either.1, "asked": either.2,
            "and_p50_ms": every.0, "and_p95_ms": every.1 })
    );
    Ok(())
}

/// Median and 95th percentile in milliseconds, and of how many queries.
fn measure(
    searcher: &Searcher,
    parser: &QueryParser,
    said: tantivy::schema::Field,
    queries: &str,
    seconds: u64,
) -> Result<(f64, f64, usize)> {
    let mut times = Vec::new();
    let end = Instant::now() + Duration::from_secs(seconds);
    for text in queries.lines() {
        if Instant::now() > end {
            break;
        }
        for measured in [false, true] {
            let began = Instant::now();
            let query = parser.parse_query(text)?;
            let best = searcher.search(&query, &TopDocs::with_limit(20).order_by_score())?;
            let snippets = SnippetGenerator::create(searcher, &*query, said)?;
            for (_, place) in best {
                let found: TantivyDocument = searcher.doc(place)?;
                std::hint::black_box(snippets.snippet_from_doc(&found).to_html());
            }
            if measured {
                times.push(began.elapsed().as_secs_f64() * 1e3);
            }
        }
    }
    times.sort_by(f64::total_cmp);
    let at = |part: usize| times.get(times.len() * part / 100).copied().unwrap_or(0.0);
    Ok((at(50), at(95), times.len()))
}
