//! People across meetings: who is who, and what happened to them.

use jiff::Timestamp;

use crate::db::{Cells, Tx, args, one, statements};
use crate::error::Result;
use crate::id::{ActionId, PersonId};
use crate::model::{
    MergedPerson, PersonAction, PersonClaim, PersonConsent, PersonRegistration, PersonRow,
    PersonRun, PersonStay,
};
use crate::page::like_contains;
use crate::store::{Scope, Store};

/// The participants that a person's identities name.
macro_rules! participants_of {
    () => {
        "SELECT p.id FROM person_identities x JOIN participants p ON p.email = x.value WHERE x.person_id = $2 AND x.kind = 'email' AND p.workspace_id = $1
        UNION SELECT p.id FROM person_identities x JOIN participants p ON p.user_external_id = x.value WHERE x.person_id = $2 AND x.kind = 'user' AND p.workspace_id = $1
        UNION SELECT p.id FROM person_identities x JOIN participants p ON p.registrant_id = x.value WHERE x.person_id = $2 AND x.kind = 'registrant' AND p.workspace_id = $1"
    };
}

statements! {
    IDENTITY = one("SELECT person_id FROM person_identities WHERE workspace_id = $1 AND kind = $2 AND value = $3");
    CLAIM = one("INSERT INTO person_identities (workspace_id, kind, value, person_id, claimed_id, first_seen) VALUES ($1, $2, $3, $4, $4, $5)
        ON CONFLICT (workspace_id, kind, value) DO NOTHING");
    NEW = one("INSERT INTO persons (id, workspace_id, created_at, updated_at) VALUES ($1, $2, $3, $3)");
    MOVE_CLAIMS = one("UPDATE person_identities SET person_id = $3 WHERE workspace_id = $1 AND person_id = $2");
    // Whoever was one with them already is one with the one that stays: pointers never form a chain.
    MERGED = one("UPDATE persons SET merged_into = $3, updated_at = CASE WHEN id = $2 THEN $4 ELSE updated_at END WHERE workspace_id = $1 AND (id = $2 OR merged_into = $2)");
    APART = one("SELECT x.at FROM persons_apart x JOIN persons a ON a.id = x.person_id JOIN persons b ON b.id = x.other_id WHERE x.workspace_id = $1
        AND ((COALESCE(a.merged_into, a.id) = $2 AND COALESCE(b.merged_into, b.id) = $3) OR (COALESCE(a.merged_into, a.id) = $3 AND COALESCE(b.merged_into, b.id) = $2))");
    HOLD_APART = one("INSERT INTO persons_apart (workspace_id, person_id, other_id, at) SELECT workspace_id, CAST($2 AS TEXT), id, CAST($4 AS BIGINT) FROM persons
        WHERE workspace_id = $1 AND (id = $3 OR merged_into = $3) AND id <> CAST($2 AS TEXT) ON CONFLICT (workspace_id, person_id, other_id) DO NOTHING");
    ALONE = one("UPDATE persons SET merged_into = NULL, updated_at = $3 WHERE workspace_id = $1 AND id = $2");
    TAKE_CLAIMS = one("UPDATE person_identities SET person_id = $2 WHERE workspace_id = $1 AND claimed_id = $2");
    TOLD_ONCE = one("SELECT id FROM deliveries WHERE workspace_id = $1 AND person_id = $2 AND sent_hash IS NOT NULL AND kind IN ('event', 'mail', 'note', 'task') ORDER BY id");
    TELL_NOT_AGAIN = one("INSERT INTO deliveries (id, workspace_id, destination_id, record_key, kind, lane, rank, ord, person_id, subject_id, body, content_hash, sent_hash, rule, backfill,
            state, next_at, attempts, remote_id, said, reason, created_at, updated_at, done_at)
        SELECT CAST($2 AS TEXT), workspace_id, destination_id, REPLACE(record_key, $3, $4), kind, REPLACE(lane, $3, $4), rank, ord, CAST($4 AS TEXT), subject_id, body, content_hash, sent_hash, rule, backfill,
            'done', next_at, 0, remote_id, said, CAST($5 AS TEXT), created_at, CAST($6 AS BIGINT), done_at FROM deliveries WHERE id = $1
        ON CONFLICT (destination_id, record_key) DO NOTHING");
    MERGED_INTO = one("SELECT p.id, p.updated_at, x.kind, x.value FROM persons p JOIN person_identities x ON x.workspace_id = p.workspace_id AND x.claimed_id = p.id
        WHERE p.workspace_id = $1 AND p.merged_into = $2 ORDER BY p.id, x.kind, x.value");
    FIND = one("SELECT p.id FROM persons p WHERE p.workspace_id = $1 AND p.merged_into IS NULL AND p.id > $2
        AND EXISTS (SELECT 1 FROM person_identities x WHERE x.person_id = p.id AND x.kind = 'email' AND (x.value LIKE $3 ESCAPE '\\'
            OR EXISTS (SELECT 1 FROM participants t WHERE t.email = x.value AND t.workspace_id = p.workspace_id AND LOWER(t.name) LIKE $3 ESCAPE '\\')
            OR EXISTS (SELECT 1 FROM registrants r WHERE r.email = x.value AND r.workspace_id = p.workspace_id AND LOWER(r.name) LIKE $3 ESCAPE '\\')))
        ORDER BY p.id LIMIT $4");
    KEEP_CONSENT = one("UPDATE persons SET consent = o.consent, consent_source = o.consent_source, consent_at = o.consent_at
        FROM persons o WHERE persons.workspace_id = $1 AND persons.id = $3 AND o.id = $2 AND o.consent IS NOT NULL
        AND (persons.consent_at IS NULL OR o.consent_at > persons.consent_at OR (o.consent_at = persons.consent_at AND o.consent < persons.consent))");
    // What was sent under the name of the one that is given up was sent to the one that stays.
    RENAME_DELIVERIES = one("UPDATE deliveries SET record_key = REPLACE(record_key, $2, $3), lane = REPLACE(lane, $2, $3) WHERE workspace_id = $1 AND person_id = $2
        AND NOT EXISTS (SELECT 1 FROM deliveries o WHERE o.destination_id = deliveries.destination_id AND o.record_key = REPLACE(deliveries.record_key, $2, $3))");
    MOVE_DELIVERIES = one("UPDATE deliveries SET person_id = $3 WHERE workspace_id = $1 AND person_id = $2");
    CLAIMS_ABOUT = one("SELECT p.email, p.user_external_id, p.registrant_id FROM participants p WHERE p.workspace_id = $1 AND p.instance_id = $2
        UNION SELECT r.email, CAST(NULL AS TEXT), r.external_id FROM instances i JOIN meetings m ON m.workspace_id = i.workspace_id AND m.account_id = i.account_id AND m.number = i.number
            JOIN registrants r ON r.meeting_id = m.id WHERE i.workspace_id = $1 AND i.id = $2
        UNION SELECT t.owner_email, CAST(NULL AS TEXT), CAST(NULL AS TEXT) FROM action_sightings s JOIN tracked_actions t ON t.id = s.action_id WHERE t.workspace_id = $1 AND s.instance_id = $2 AND t.owner_email IS NOT NULL
        UNION SELECT n.email, CAST(NULL AS TEXT), CAST(NULL AS TEXT) FROM interactions n WHERE n.workspace_id = $1 AND n.instance_id = $2 AND n.email IS NOT NULL
        UNION SELECT r.email, CAST(NULL AS TEXT), r.external_id FROM registrants r WHERE r.workspace_id = $1 AND r.meeting_id = $2
        UNION SELECT r.email, CAST(NULL AS TEXT), r.external_id FROM registrants r WHERE r.workspace_id = $1 AND r.id = $2
        UNION SELECT t.owner_email, CAST(NULL AS TEXT), CAST(NULL AS TEXT) FROM tracked_actions t WHERE t.workspace_id = $1 AND t.id = $2 AND t.owner_email IS NOT NULL
        ORDER BY 3, 2, 1");
    PERSON_MERGED = one("SELECT merged_into FROM persons WHERE workspace_id = $1 AND id = $2");
    PERSON = one("SELECT id, merged_into, consent, consent_source, consent_at, created_at FROM persons WHERE workspace_id = $1 AND id = $2");
    PEOPLE = one("SELECT id FROM persons WHERE workspace_id = $1 AND merged_into IS NULL AND id > $2 ORDER BY id LIMIT $3");
    IDENTITIES = one("SELECT kind, value FROM person_identities WHERE workspace_id = $1 AND person_id = $2 ORDER BY kind, value");
    USERS = one("SELECT u.email, u.name FROM person_identities x JOIN users u ON u.workspace_id = x.workspace_id AND u.deleted_at IS NULL
        AND ((x.kind = 'email' AND u.email = x.value) OR (x.kind = 'user' AND u.external_id = x.value)) WHERE x.workspace_id = $1 AND x.person_id = $2 ORDER BY u.email, u.name");
    STAYS = one(concat!("SELECT i.id, i.external_id, i.account_id, i.number, i.kind, COALESCE(i.topic, m.topic), COALESCE(i.host_user_id, m.host_user_id),
            COALESCE(i.host_email, (SELECT u.email FROM users u WHERE u.workspace_id = i.workspace_id AND u.account_id = i.account_id AND u.external_id = COALESCE(i.host_user_id, m.host_user_id))),
            i.start_at, i.end_at, i.state, m.join_url, m.raw, p.name, p.role, p.registrant_id, a.join_at, a.leave_at
        FROM participants p JOIN instances i ON i.id = p.instance_id JOIN attendance a ON a.participant_id = p.id AND a.kind = 'main'
        LEFT JOIN meetings m ON m.workspace_id = i.workspace_id AND m.account_id = i.account_id AND m.number = i.number
        WHERE i.deleted_at IS NULL AND p.id IN (", participants_of!(), ") ORDER BY i.start_at, i.id, a.join_at, a.leave_at"));
    REGISTRATIONS = one("SELECT r.external_id, r.occurrence_id, r.email, r.name, r.status, r.raw, r.event_ts, r.first_seen, m.account_id, m.number, m.kind, m.topic, m.host_user_id,
            (SELECT u.email FROM users u WHERE u.workspace_id = m.workspace_id AND u.account_id = m.account_id AND u.external_id = m.host_user_id),
            COALESCE((SELECT o.start_at FROM occurrences o WHERE o.meeting_id = m.id AND o.occurrence_id = r.occurrence_id), m.start_at), m.duration_min, m.join_url, m.raw
        FROM registrants r JOIN meetings m ON m.id = r.meeting_id
        WHERE r.workspace_id = $1 AND r.deleted_at IS NULL AND r.id IN (
            SELECT r.id FROM person_identities x JOIN registrants r ON r.email = x.value WHERE x.person_id = $2 AND x.kind = 'email'
            UNION SELECT r.id FROM person_identities x JOIN registrants r ON r.external_id = x.value WHERE x.person_id = $2 AND x.kind = 'registrant')
        ORDER BY r.first_seen, r.external_id");
    // Runs of a meeting of which it is known who was there.
    RUNS = one("SELECT i.external_id, i.start_at, i.end_at FROM instances i JOIN artefacts a ON a.owner_id = i.id AND a.kind = 'participants' AND a.state = 'present'
        WHERE i.workspace_id = $1 AND i.account_id = $2 AND i.number = $3 AND i.state = 'ended' AND i.deleted_at IS NULL AND i.end_at IS NOT NULL ORDER BY i.start_at, i.id");
    ACTIONS = one("SELECT t.id, t.text, t.due, t.state, t.first_at, i.external_id, i.number, i.kind, i.topic, i.start_at FROM person_identities x
            JOIN tracked_actions t ON t.owner_email = x.value AND t.workspace_id = x.workspace_id
            LEFT JOIN instances i ON i.id = (SELECT s.instance_id FROM action_sightings s WHERE s.action_id = t.id ORDER BY s.start_ms LIMIT 1)
        WHERE x.workspace_id = $1 AND x.person_id = $2 AND x.kind = 'email' ORDER BY t.first_at, t.id");
    WALK_INSTANCES = one("SELECT id FROM instances WHERE workspace_id = $1 AND id > $2 AND (CAST($3 AS BIGINT) IS NULL OR start_at >= $3) ORDER BY id LIMIT $4");
    WALK_MEETINGS = one("SELECT DISTINCT meeting_id FROM registrants WHERE workspace_id = $1 AND meeting_id > $2 ORDER BY meeting_id LIMIT $3");
    CONSENT = one("UPDATE persons SET consent = $3, consent_source = $4, consent_at = $5, updated_at = $5 WHERE workspace_id = $1 AND id = $2");
    FORGET_PARTICIPANTS = one(concat!("UPDATE participants SET name = NULL, email = NULL, user_external_id = NULL, registrant_id = NULL, match_key = 'erased:' || id WHERE id IN (", participants_of!(), ")"));
    FORGET_STAYS = one(concat!("UPDATE attendance SET raw = '{}', join_key = 'erased:' || n WHERE participant_id IN (", participants_of!(), ")"));
    FORGET_REGISTRANTS = one("DELETE FROM registrants WHERE workspace_id = $1 AND id IN (
            SELECT r.id FROM person_identities x JOIN registrants r ON r.email = x.value WHERE x.person_id = $2 AND x.kind = 'email'
            UNION SELECT r.id FROM person_identities x JOIN registrants r ON r.external_id = x.value WHERE x.person_id = $2 AND x.kind = 'registrant')");
    FORGET_INTERACTIONS = one("DELETE FROM interactions WHERE workspace_id = $1 AND email IN (SELECT value FROM person_identities WHERE person_id = $2 AND kind = 'email')");
    FORGET_DELIVERIES = one("DELETE FROM deliveries WHERE workspace_id = $1 AND person_id = $2 AND kind <> 'erase'");
    FORGET = one("DELETE FROM persons WHERE workspace_id = $1 AND (id = $2 OR merged_into = $2)");
}

fn run(row: &mut Cells) -> Result<PersonRun> {
    Ok(PersonRun {
        instance_id: row.id()?,
        uuid: row.text()?,
        account_id: row.id()?,
        number: row.opt_text()?,
        kind: row.parsed()?,
        topic: row.opt_text()?,
        host_user_id: row.opt_text()?,
        host_email: row.opt_text()?,
        start: row.opt_instant()?,
        end: row.opt_instant()?,
        state: row.parsed()?,
        join_url: row.opt_text()?,
        series_raw: row.opt_text()?,
        name: row.opt_text()?,
        role: row.opt_text()?,
        registrant_id: row.opt_text()?,
        stay: PersonStay {
            join: row.instant()?,
            leave: row.opt_instant()?,
        },
    })
}

fn registration(row: &mut Cells) -> Result<PersonRegistration> {
    Ok(PersonRegistration {
        registrant_id: row.text()?,
        occurrence_id: row.opt_text()?,
        email: row.opt_text()?,
        name: row.opt_text()?,
        status: row.opt_text()?,
        raw: row.text()?,
        said_at: row.instant()?,
        first_seen: row.instant()?,
        account_id: row.id()?,
        number: row.text()?,
        kind: row.parsed()?,
        topic: row.opt_text()?,
        host_user_id: row.opt_text()?,
        host_email: row.opt_text()?,
        start: row.opt_instant()?,
        minutes: row.opt_int()?,
        join_url: row.opt_text()?,
        series_raw: row.text()?,
    })
}

impl Store {
    /// Who is named by what is about a run, a meeting, a registration or an action, by its id.
    pub async fn claims_about(&self, scope: Scope, subject: &str) -> Result<Vec<PersonClaim>> {
        self.all(CLAIMS_ABOUT, args![scope.workspace, subject], |row| {
            Ok(PersonClaim {
                email: row.opt_text()?,
                user: row.opt_text()?,
                registrant: row.opt_text()?,
            })
        })
        .await
    }

    /// A person.
    pub async fn person(&self, scope: Scope, id: PersonId) -> Result<Option<PersonRow>> {
        self.one(PERSON, args![scope.workspace, id], |row| {
            let id = row.id()?;
            let merged_into = row.opt_id()?;
            let granted = row.opt_int()?;
            let source = row.opt_text()?;
            let at = row.opt_instant()?;
            Ok(PersonRow {
                id,
                merged_into,
                consent: granted
                    .zip(source)
                    .zip(at)
                    .map(|((granted, source), at)| PersonConsent {
                        granted: granted != 0,
                        source,
                        at,
                    }),
                created_at: row.instant()?,
            })
        })
        .await
    }

    /// The person with an identity: `email`, `user` or `registrant`.
    pub async fn person_by(
        &self,
        scope: Scope,
        kind: &str,
        value: &str,
    ) -> Result<Option<PersonId>> {
        self.one(IDENTITY, args![scope.workspace, kind, value], Cells::id)
            .await
    }

    /// People after a place, by id.
    pub async fn people(&self, scope: Scope, after: &str, limit: u32) -> Result<Vec<PersonId>> {
        self.all(PEOPLE, args![scope.workspace, after, limit], Cells::id)
            .await
    }

    /// People with an address, or a name beside one, that contains a text, after a place, by id.
    pub async fn find_people(
        &self,
        scope: Scope,
        text: &str,
        after: &str,
        limit: u32,
    ) -> Result<Vec<PersonId>> {
        let pattern = like_contains(&text.trim().to_lowercase());
        self.all(
            FIND,
            args![scope.workspace, after, pattern, limit],
            Cells::id,
        )
        .await
    }

    /// Those who turned out to be this person, in the order in which they were first known.
    pub async fn merged_people(&self, scope: Scope, id: PersonId) -> Result<Vec<MergedPerson>> {
        let rows: Vec<(PersonId, Timestamp, (String, String))> = self
            .all(MERGED_INTO, args![scope.workspace, id], |row| {
                Ok((row.id()?, row.instant()?, (row.text()?, row.text()?)))
            })
            .await?;
        let mut all: Vec<MergedPerson> = Vec::new();
        for (id, at, identity) in rows {
            match all.last_mut().filter(|last| last.id == id) {
                Some(last) => last.identities.push(identity),
                None => all.push(MergedPerson {
                    id,
                    at,
                    identities: vec![identity],
                }),
            }
        }
        Ok(all)
    }

    /// What identifies a person: kinds and values.
    pub async fn person_identities(
        &self,
        scope: Scope,
        id: PersonId,
    ) -> Result<Vec<(String, String)>> {
        self.all(IDENTITIES, args![scope.workspace, id], |row| {
            Ok((row.text()?, row.text()?))
        })
        .await
    }

    /// Addresses and names of the accounts' users that a person is.
    pub async fn person_users(
        &self,
        scope: Scope,
        id: PersonId,
    ) -> Result<Vec<(Option<String>, Option<String>)>> {
        self.all(USERS, args![scope.workspace, id], |row| {
            Ok((row.opt_text()?, row.opt_text()?))
        })
        .await
    }

    /// The stays of a person in runs of meetings, by start; one item for each stay.
    pub async fn person_runs(&self, scope: Scope, id: PersonId) -> Result<Vec<PersonRun>> {
        self.all(STAYS, args![scope.workspace, id], run).await
    }

    /// The registrations of a person, in the order in which they were first seen.
    pub async fn person_registrations(
        &self,
        scope: Scope,
        id: PersonId,
    ) -> Result<Vec<PersonRegistration>> {
        self.all(REGISTRATIONS, args![scope.workspace, id], registration)
            .await
    }

    /// UUID, start and end of the runs of a meeting that are over and of which it is known who was there.
    pub async fn attended_runs(
        &self,
        scope: Scope,
        account: crate::id::AccountId,
        number: &str,
    ) -> Result<Vec<(String, Option<Timestamp>, Timestamp)>> {
        self.all(RUNS, args![scope.workspace, account, number], |row| {
            Ok((row.text()?, row.opt_instant()?, row.instant()?))
        })
        .await
    }

    /// What a person is to do.
    pub async fn person_actions(&self, scope: Scope, id: PersonId) -> Result<Vec<PersonAction>> {
        self.all(ACTIONS, args![scope.workspace, id], |row| {
            Ok(PersonAction {
                id: row.id::<ActionId>()?,
                text: row.text()?,
                due: row.opt_text()?,
                state: row.text()?,
                first_at: row.instant()?,
                uuid: row.opt_text()?,
                number: row.opt_text()?,
                webinar: row.opt_text()?.as_deref() == Some("webinar"),
                topic: row.opt_text()?,
                start: row.opt_instant()?,
            })
        })
        .await
    }

    /// Ids of runs after a place, by id; those that began at or after an instant.
    pub async fn walk_instances(
        &self,
        scope: Scope,
        after: &str,
        since: Option<Timestamp>,
        limit: u32,
    ) -> Result<Vec<String>> {
        self.all(
            WALK_INSTANCES,
            args![scope.workspace, after, since, limit],
            Cells::text,
        )
        .await
    }

    /// Ids of meetings with registrations after a place, by id.
    pub async fn walk_registered(
        &self,
        scope: Scope,
        after: &str,
        limit: u32,
    ) -> Result<Vec<String>> {
        self.all(
            WALK_MEETINGS,
            args![scope.workspace, after, limit],
            Cells::text,
        )
        .await
    }
}

impl Tx {
    /// The people whom a claim names: known, or new; nobody when it names nobody. When it names several who were known apart,
    /// they become one: the one known longest stays, and the others point to it, unless a person said that they are two.
    pub async fn person_of(
        &mut self,
        claim: &PersonClaim,
        now: Timestamp,
    ) -> Result<Vec<PersonId>> {
        let w = self.w();
        let email = claim
            .email
            .as_deref()
            .map(|email| email.trim().to_lowercase())
            .filter(|email| !email.is_empty());
        let parts: Vec<(&str, String)> = [
            ("email", email),
            ("user", claim.user.clone()),
            ("registrant", claim.registrant.clone()),
        ]
        .into_iter()
        .filter_map(|(kind, value)| Some((kind, value.filter(|value| !value.is_empty())?)))
        .collect();
        if parts.is_empty() {
            return Ok(Vec::new());
        }
        let mut found: Vec<PersonId> = Vec::new();
        let mut fresh = Vec::new();
        for (kind, value) in &parts {
            match self
                .one(IDENTITY, args![w, *kind, value], Cells::id)
                .await?
            {
                Some(person) => found.push(person),
                None => fresh.push((*kind, value)),
            }
        }
        // What is new belongs to whom the strongest part names, and the address is the strongest.
        let strongest = found.first().copied();
        found.sort_unstable();
        found.dedup();
        let mut people: Vec<PersonId> = Vec::new();
        let mut owner = strongest;
        for person in found {
            let mut stays = None;
            for other in &people {
                if self
                    .one(APART, args![w, person, *other], Cells::int)
                    .await?
                    .is_none()
                {
                    stays = Some(*other);
                    break;
                }
            }
            match stays {
                Some(other) => {
                    self.merge_person(person, other, now).await?;
                    if owner == Some(person) {
                        owner = Some(other);
                    }
                }
                None => people.push(person),
            }
        }
        let owner = if let Some(owner) = owner {
            owner
        } else {
            let id: PersonId = self.new_id(now);
            self.execute(NEW, args![id, w, now]).await?;
            people.push(id);
            id
        };
        for (kind, value) in fresh {
            self.execute(CLAIM, args![w, kind, value, owner, now])
                .await?;
        }
        Ok(people)
    }

    /// Undoes a merge: whoever was found to be somebody else is a person of their own again, with what identified them, and what
    /// names both does not make them one any more. What was told once of the joint person is not told again of either. Whom they
    /// were one with; none when they are one with nobody.
    pub async fn split_person(
        &mut self,
        id: PersonId,
        why: &str,
        now: Timestamp,
    ) -> Result<Option<PersonId>> {
        let w = self.w();
        let into = self.one(PERSON_MERGED, args![w, id], Cells::opt_id).await?;
        let Some(into): Option<PersonId> = into.flatten() else {
            return Ok(None);
        };
        self.execute(HOLD_APART, args![w, id, into, now]).await?;
        self.execute(ALONE, args![w, id, now]).await?;
        self.execute(TAKE_CLAIMS, args![w, id]).await?;
        self.execute(KEEP_CONSENT, args![w, into, id]).await?;
        let told: Vec<crate::id::DeliveryId> =
            self.all(TOLD_ONCE, args![w, into], Cells::id).await?;
        for delivery in told {
            let copy: crate::id::DeliveryId = self.new_id(now);
            self.execute(TELL_NOT_AGAIN, args![delivery, copy, into, id, why, now])
                .await?;
        }
        Ok(Some(into))
    }

    async fn merge_person(&mut self, from: PersonId, into: PersonId, now: Timestamp) -> Result<()> {
        let w = self.w();
        self.execute(KEEP_CONSENT, args![w, from, into]).await?;
        self.execute(MOVE_CLAIMS, args![w, from, into]).await?;
        self.execute(RENAME_DELIVERIES, args![w, from, into])
            .await?;
        self.execute(MOVE_DELIVERIES, args![w, from, into]).await?;
        self.execute(MERGED, args![w, from, into, now]).await?;
        Ok(())
    }

    /// Writes what a person said about being written to.
    pub async fn set_consent(
        &mut self,
        id: PersonId,
        granted: bool,
        source: &str,
        now: Timestamp,
    ) -> Result<bool> {
        let w = self.w();
        Ok(self
            .execute(CONSENT, args![w, id, granted, source, now])
            .await?
            > 0)
    }

    /// Takes a person out of everything that names them: registrations and answers go, stays lose name and address, what was
    /// sent of them is forgotten. Meetings, and what was said in them, stay.
    pub async fn erase_person(&mut self, id: PersonId) -> Result<u64> {
        let w = self.w();
        let stays = self.execute(FORGET_STAYS, args![w, id]).await?;
        let mut gone = self.execute(FORGET_PARTICIPANTS, args![w, id]).await?;
        gone += self.execute(FORGET_REGISTRANTS, args![w, id]).await?;
        gone += self.execute(FORGET_INTERACTIONS, args![w, id]).await?;
        gone += self.execute(FORGET_DELIVERIES, args![w, id]).await?;
        gone += self.execute(FORGET, args![w, id]).await?;
        Ok(gone + stays)
    }
}
