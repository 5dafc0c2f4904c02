//! Words that nobody used, and those written nearly so.

use parfocal_formats::text;

use super::rank::Plan;
use super::sql;
use crate::db::{Cells, args};
use crate::error::Result;
use crate::store::{Scope, Store};

/// Shortest word that is looked for in another spelling.
const SHORTEST: usize = 4;
/// Most words taken in place of one.
const MOST: usize = 8;

impl Store {
    /// Gives words that nobody used, and those asked for with `~`, the words written nearly so.
    pub(super) async fn look_for_others(
        &self,
        scope: Scope,
        plan: &mut Plan,
    ) -> Result<Vec<(String, Vec<String>)>> {
        let mut told = Vec::new();
        for matcher in plan.groups.iter_mut().flatten() {
            let [token] = matcher.tokens.as_slice() else {
                continue;
            };
            let exact = matcher.exact && !matcher.fuzzy;
            let letters = token.chars().count();
            if exact
                || matcher.prefix
                || letters < SHORTEST
                || !token.chars().all(char::is_alphabetic)
            {
                continue;
            }
            let used = self.is_used(scope, token).await?;
            if used && !matcher.fuzzy {
                continue;
            }
            let Some((start, beyond)) = range(token, 1) else {
                continue;
            };
            let words: Vec<String> = self
                .all(
                    sql::WORDS,
                    args![scope.workspace, start, beyond],
                    Cells::text,
                )
                .await?;
            let stem = text::stem(token);
            if !matcher.fuzzy && words.iter().any(|word| text::stem(word) == stem) {
                continue;
            }
            let far = if letters < 8 { 1 } else { 2 };
            let mut near: Vec<(usize, String)> = words
                .into_iter()
                .filter(|word| word != token && word.chars().count().abs_diff(letters) <= far)
                .filter_map(|word| {
                    let distance = strsim::osa_distance(&word, token);
                    (distance <= far).then_some((distance, word))
                })
                .collect();
            near.sort();
            // The nearest alone: others are mostly other words.
            let nearest = near.first().map_or(0, |(distance, _)| *distance);
            near.retain(|(distance, _)| *distance == nearest);
            near.truncate(MOST);
            if near.is_empty() {
                continue;
            }
            let near: Vec<String> = near.into_iter().map(|(_, word)| word).collect();
            // With `~` a word that is used is searched as well as those near it: nothing to tell.
            if !used {
                told.push((token.clone(), near.clone()));
            }
            matcher.instead = near;
        }
        Ok(told)
    }

    /// Whether a word stands anywhere, as it is written.
    async fn is_used(&self, scope: Scope, token: &str) -> Result<bool> {
        if self.engine() == crate::db::Engine::Postgres {
            // The words of the latest meetings are not all there are: the index itself is asked.
            let query = format!("'{}':AD", token.replace(['\\', '\''], ""));
            let found = self
                .one(sql::USED, args![scope.workspace, query], |_| Ok(()))
                .await?;
            return Ok(found.is_some());
        }
        // The list of words counts in how many meetings each stands; here the first one is enough.
        let query = format!("{{words stems speaker}} : \"{token}\"");
        let found = self.one(sql::STANDS, args![query], Cells::int).await?;
        Ok(found.is_some())
    }
}

/// The beginning of so many letters, and what is behind all words that begin so.
fn range(token: &str, letters: usize) -> Option<(String, String)> {
    let start: String = token.chars().take(letters).collect();
    let last = start.chars().last()?;
    let next = char::from_u32(u32::from(last).checked_add(1)?)?;
    let mut beyond = start.clone();
    beyond.pop();
    beyond.push(next);
    Some((start, beyond))
}
