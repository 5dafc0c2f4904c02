//! The one table of error codes, from which the troubleshooting page is made.

/// What sort of failure it is, for whoever turns it into a status or an exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// What was asked for does not exist.
    NotFound,
    /// What was asked for cannot be done as asked.
    Invalid,
    /// It clashes with what is there.
    Conflict,
    /// Who asks is not known.
    Unauthenticated,
    /// Who asks may not.
    Forbidden,
    /// It contradicts what was asked before.
    Mismatch,
    /// Too much was asked for today.
    Limited,
    /// A person has to do something first, such as reconnecting.
    NeedsAttention,
    /// Zoom refused.
    Zoom,
    /// It may work later.
    Unavailable,
    /// A fault of ours or of the machine.
    Internal,
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $variant:ident $code:literal $kind:ident $title:literal $cause:literal $mend:literal;)+) => {
        /// A stable code for each failure that a person or program can meet.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Code { $($(#[doc = $doc])+ $variant,)+ }

        impl Code {
            /// All codes, in the order of the troubleshooting page.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The code as text; never changes its meaning.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            /// What sort of failure it is.
            pub const fn kind(self) -> Kind {
                match self { $(Self::$variant => Kind::$kind,)+ }
            }

            /// A short title.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)+ }
            }

            /// What leads to it.
            pub const fn cause(self) -> &'static str {
                match self { $(Self::$variant => $cause,)+ }
            }

            /// What to do about it.
            pub const fn mend(self) -> &'static str {
                match self { $(Self::$variant => $mend,)+ }
            }
        }
    };
}

codes! {
    /// A configuration value is wrong.
    ConfigInvalid "config_invalid" Invalid "A setting is wrong"
        "A value in parfocal.yaml or the environment cannot be used."
        "The message names the key and the mend; the configuration reference explains each key.";
    /// The clock file cannot be followed.
    ClockFile "clock_file_unusable" Invalid "The clock file cannot be followed"
        "clock.file names a file that is missing or holds something else."
        "Start the simulator with the same --clock-file first, or remove the setting to use the machine's clock.";
    /// An argument is wrong.
    InvalidInput "invalid_input" Invalid "An argument is wrong"
        "A value given to a command or request cannot be used."
        "The message says what is expected.";
    /// The thing does not exist.
    NotFound "not_found" NotFound "Nothing of that name or id"
        "The id or name is unknown here, or was removed."
        "List what there is, and check the spelling.";
    /// It exists already.
    Conflict "conflict" Conflict "It exists already"
        "Something of that name, or another state of it, is in the way."
        "Look at what is there; choose another name or remove it first.";
    /// Nobody known asks.
    Unauthenticated "unauthenticated" Unauthenticated "A key is needed"
        "The request carries no key, or one that is not known, has ended or was revoked."
        "Send `Authorization: Bearer KEY`; `parfocal keys create NAME --role read` makes one.";
    /// The caller's role does not suffice.
    Forbidden "forbidden" Forbidden "The key may not do this"
        "The key's role is too small, or the connection is not among those that the key may use."
        "Use a key of the role that the message names; `parfocal keys list` shows what there is.";
    /// An idempotency key came with another request.
    KeyReused "idempotency_key_reused" Mismatch "The Idempotency-Key belongs to another request"
        "The same key was sent before with another action or another input."
        "Send a new key with each new request; the same key only to repeat the very same one.";
    /// The first request with this key is still running.
    InProgress "request_in_progress" Conflict "The same request is still under way"
        "A request with this Idempotency-Key has begun and has not been answered yet."
        "Ask again in a few seconds with the same key: the answer is then repeated.";
    /// The host's creates and updates of the day are used up.
    HostQuota "host_quota_spent" Limited "The host's creates and updates of today are used up"
        "Zoom lets each host create and update 100 meetings and webinars a day, all apps together."
        "Ask again after 00:00 UTC, or let another host hold the meeting.";
    /// A component is off.
    ComponentOff "component_off" NotFound "The capability is switched off"
        "The address or command belongs to a component that is not active."
        "`parfocal component activate NAME` switches it on; the message names it.";
    /// A component cannot be switched.
    ComponentBlocked "component_blocked" NeedsAttention "The component cannot be switched"
        "Something that it needs is missing, or something else needs it."
        "The message names what is missing and how to mend it.";
    /// The environment's connection cannot be changed here.
    EnvConnection "env_connection_fixed" Conflict "The connection `env` belongs to the environment"
        "Its credentials come from the environment, so it cannot be changed or removed here."
        "Change or unset ZOOM_ACCOUNT_ID, ZOOM_S2S_CLIENT_ID and ZOOM_S2S_CLIENT_SECRET, then restart.";
    /// A connection cannot be used until someone acts.
    ConnectionNeedsAttention "connection_needs_attention" NeedsAttention "The connection does not work"
        "Zoom refused its credentials, the app was switched off, or its grant was withdrawn."
        "`parfocal connections show NAME` gives the reason; correct the app or its credentials, then `parfocal connections check NAME`.";
    /// Zoom refused the client id or secret.
    CredentialsRefused "zoom_credentials_refused" NeedsAttention "Zoom refused the client id or secret"
        "The client id, client secret or account id is wrong, or belongs to another app."
        "Copy all three again from the app's page on marketplace.zoom.us, and check that the app is activated.";
    /// The grant is dead.
    GrantDead "zoom_grant_dead" NeedsAttention "The authorisation was withdrawn"
        "The app was removed, authorised again elsewhere, or not used for 90 days."
        "Connect again; the connection keeps its id and data.";
    /// A scope is missing.
    MissingScope "zoom_scope_missing" NeedsAttention "The app lacks a scope"
        "The Zoom app was not given a scope that this call needs."
        "Add the named scope on the app's Scopes page, then connect again or wait for the next token.";
    /// The plan does not include it.
    PlanRefused "zoom_plan_refused" Zoom "The account's plan or settings do not include it"
        "Zoom answers code 200 when a feature needs a paid plan, an add-on or a permission."
        "Nothing is wrong here; upgrade the plan or the setting, then check the connection.";
    /// Zoom says it does not exist.
    ZoomNotFound "zoom_not_found" NotFound "Zoom does not know it"
        "The meeting, recording or user does not exist, was deleted, or belongs to another account."
        "Check the id; for what was held use the instance UUID, not the meeting number.";
    /// Zoom refused for another reason.
    ZoomRefused "zoom_refused" Zoom "Zoom refused the request"
        "Zoom answered with an error of its own."
        "The message carries Zoom's code and words; keep the tracking id when asking Zoom's support.";
    /// The rate budget is used up.
    RateLimited "zoom_rate_limited" Unavailable "Zoom's rate limit is reached"
        "The account's calls per second or per day, or a user's creates per day, are used up; other apps of the account count too."
        "Work continues by itself when Zoom's limit resets; lower limits.share if other apps suffer.";
    /// Zoom cannot be reached.
    ZoomUnreachable "zoom_unreachable" Unavailable "Zoom cannot be reached"
        "The network, a proxy or Zoom itself is down, or zoom.api_url points elsewhere."
        "Work continues by itself; check the network and https://status.zoom.us.";
    /// The answer was lost on a call that may have had an effect.
    OutcomeUnknown "outcome_unknown" NeedsAttention "It is not known whether Zoom did it"
        "The answer to a create or change was lost, and no unique match was found afterwards."
        "Look at the meeting in Zoom and decide; it is never repeated blindly.";
    /// A download gave something else.
    DownloadUnexpected "download_unexpected" Unavailable "A download gave something else than the file"
        "Zoom answered with a page or another kind of file, often because the access had ended."
        "It is tried again with fresh metadata; if it stays, check that the recording may be downloaded.";
    /// A download was cut off.
    DownloadIncomplete "download_incomplete" Unavailable "A download ended early"
        "The connection broke before the whole file had come."
        "It is resumed by itself.";
    /// The person said no.
    ConsentDenied "consent_denied" Invalid "Zoom was told not to allow it"
        "On Zoom's page the access was declined, or the page was closed with its Decline button."
        "Nothing was stored. Start again if that was not meant, or ask a person whose role may add the app.";
    /// The answer belongs to no login of ours.
    StateUnknown "oauth_state_unknown" Invalid "This answer belongs to no login that was begun here"
        "The address was typed, forged or kept for days, or it belongs to another server."
        "Start the login again from the console, the command line or the link that you were sent.";
    /// The login was begun in another browser.
    StateForeign "oauth_state_foreign" Invalid "The login was begun in another browser"
        "The browser that came back from Zoom is not the one that began, or it does not keep cookies."
        "Start again and stay in one browser; do not pass on the address of a login.";
    /// The login took too long.
    StateExpired "oauth_state_expired" Invalid "The login took too long"
        "More than ten minutes passed between its beginning and Zoom's answer."
        "Start it again.";
    /// The login is over already.
    StateUsed "oauth_state_used" Invalid "This login is over already"
        "Zoom's answer to it came before: the page was reloaded, or the address was opened a second time."
        "Look whether the connection is there; otherwise start again.";
    /// Zoom does not accept the authorization code.
    CodeRefused "oauth_code_refused" Invalid "Zoom does not accept the authorization code"
        "A code works once and for five minutes; this one was used, is too old or was made up."
        "Start the login again.";
    /// Zoom does not accept the PKCE verifier.
    VerifierWrong "oauth_verifier_wrong" Invalid "Zoom does not accept the proof that the login was begun here"
        "The code was made for another login, which is what PKCE is there to notice."
        "Start the login again; if it happens again, somebody may be passing on codes.";
    /// The redirect address does not match.
    RedirectMismatch "oauth_redirect_mismatch" NeedsAttention "Zoom does not know the address to come back to"
        "The redirect address is not on the app's allow list, or differs from the one the code was sent to."
        "Put the address that the message names into the app's redirect and allow lists, to the letter; see ZOOM_REDIRECT_URI.";
    /// Zoom refused the client.
    ClientRejected "oauth_client_rejected" NeedsAttention "Zoom refused the app's client id or secret"
        "The secret was changed, belongs to another app or to the development credentials, or the app was switched off."
        "Copy client id and secret from the app's page again; connections through the app stay and work again after that.";
    /// A scope cannot be had.
    ScopeRefused "oauth_scope_refused" NeedsAttention "A scope that was asked for cannot be had"
        "The app was not built with it, or the person's role may not grant it."
        "Add it on the app's Scopes page, or ask without it.";
    /// The clock is wrong.
    ClockSkewed "clock_skewed" NeedsAttention "This machine's clock is wrong"
        "It differs from Zoom's by minutes, so codes, logins and signatures seem too old or not yet valid."
        "Set the clock (NTP), then try again.";
    /// A sign-in with OpenID Connect did not begin here, or not in time.
    SignInState "signin_state" Invalid "The sign-in did not begin in this browser, or took too long"
        "The provider's answer belongs to no sign-in that this browser began within the last ten minutes, or was used already."
        "Open /login again and begin anew, under the same address that the provider sends people back to.";
    /// The provider's answer is not believed, or it refused.
    SignInRefused "signin_refused" Unauthenticated "The sign-in was refused"
        "The identity provider said no, or its token does not hold: another issuer, audience or nonce, a signature of no known key, or its time is over."
        "Try again; if it stays, compare oidc.issuer, oidc.client_id and oidc.client_secret with the provider's page, and the clocks of both.";
    /// Somebody signed in whom no list names.
    SignInNotAllowed "signin_not_allowed" Forbidden "This person may not come in"
        "The provider knows them, but no list names their verified address, their domain or one of their groups."
        "An administrator adds them to oidc.read, oidc.operate or oidc.admin and restarts the server.";
    /// The provider cannot be asked.
    SignInUnavailable "signin_unavailable" Unavailable "The identity provider cannot be asked"
        "It does not answer, or its description names no usable addresses."
        "Open ISSUER/.well-known/openid-configuration from this machine; meanwhile a key opens the console too.";
    /// The context of Zoom's client is not believed.
    ContextRefused "zoomapp_context_refused" Unauthenticated "What Zoom's client says of who opened the app is not believed"
        "The context is too old, was changed or sealed with another secret, is meant for another app, or opened it in another browser before."
        "Close the app in Zoom and open it again; if that does not help, compare ZOOM_CLIENT_ID and ZOOM_CLIENT_SECRET with the app's page at Zoom.";
    /// The Zoom App is open, but nobody has allowed it to act for them.
    NotAuthorized "zoomapp_unauthorized" Unauthenticated "The app may not act for this person yet"
        "Nobody signed in, the sign-in is over, or the permission was taken back at Zoom."
        "Choose Sign in with Zoom in the app.";
    /// Somebody else came back.
    WrongIdentity "reconnect_wrong_identity" Conflict "Another Zoom user came back"
        "The connection belongs to one Zoom user, and another one was signed in on Zoom's page."
        "Sign out of Zoom in the browser, start again and sign in as the user that the message names; or connect the other user anew.";
    /// The identity is linked in another workspace.
    IdentityElsewhere "zoom_identity_elsewhere" Conflict "This Zoom user is connected in another workspace"
        "Zoom keeps one grant for each user and app; a second one would break the first."
        "The other connection was given the new tokens and goes on. Remove it there first to connect here, or use another app.";
    /// There is no such link.
    LinkUnknown "connect_link_unknown" NotFound "This link leads nowhere"
        "It was mistyped or cut off."
        "Ask for the whole link, or for a new one.";
    /// The link expired.
    LinkExpired "connect_link_expired" Invalid "This link has expired"
        "Links to connect are good for some days only."
        "Ask for a new one.";
    /// The link was used.
    LinkUsed "connect_link_used" Conflict "This link was used already"
        "Somebody has connected through it; each link is good for one connection."
        "If that was not you, tell whoever sent it. Otherwise all is done.";
    /// The link was taken back.
    LinkRevoked "connect_link_revoked" Invalid "This link was taken back"
        "Whoever made it has withdrawn it."
        "Ask for a new one.";
    /// The device code ran out.
    DeviceExpired "device_code_expired" Invalid "The code was not confirmed in time"
        "Nobody allowed the device within the time that Zoom gives, mostly fifteen minutes."
        "Begin again and type the new code.";
    /// Answers to renewals were lost.
    RefreshLost "zoom_refresh_lost" NeedsAttention "The answer to a renewal was lost"
        "Two renewals of the access token got no answer, so it is not known which token lives; asking on could never end."
        "Connect again; the connection keeps its id and data.";
    /// No language model is in use.
    ModelOff "model_off" Invalid "No language model is in use"
        "What was asked for is done by a language model, and models.use names none, or the component models is off."
        "Describe a server below models.servers and name it in models.use; `parfocal models` shows what there is.";
    /// A language model's server cannot be reached, or is too busy.
    ModelUnavailable "model_unavailable" Unavailable "The language model cannot be reached"
        "Its server is down, overloaded, still loading, or did not answer in time."
        "It is asked again by itself, and the embedded analyst stands in meanwhile; look at the server, or raise timeout_seconds.";
    /// A language model's server says no.
    ModelRefused "model_refused" NeedsAttention "The language model's server refuses"
        "The key, the model's name or the account's quota is not what the server wants; the message holds its words."
        "Mend the server's section in models.servers, then `parfocal jobs retry`; the embedded analyst stands in meanwhile.";
    /// A language model's answer cannot be used.
    ModelAnswer "model_answer_rejected" NeedsAttention "The language model's answer cannot be used"
        "Twice it did not fit the schema, or it was empty, cut off or a refusal."
        "Use a larger model or another way of asking (structured), then `parfocal jobs retry`; the embedded analyst stands in.";
    /// The day's budget for language models is spent.
    ModelBudget "model_budget_spent" Limited "Today's budget for language models is spent"
        "models.tokens_per_day or models.cost_per_day is used up, or the next request could pass it."
        "Work goes on after 00:00 UTC by itself; raise the limit if it shall go on today.";
    /// A calendar cannot be reached.
    CalendarUnavailable "calendar_unavailable" Unavailable "The calendar cannot be reached"
        "Its server is down, overloaded or did not answer in time."
        "It is tried again by itself; look at the calendar's own status page if it stays.";
    /// A calendar refuses.
    CalendarRefused "calendar_refused" NeedsAttention "The calendar refuses"
        "Its credentials were withdrawn, it may not be written, or it does not accept the event; the message holds its words."
        "Mend what the message names, then try again; `parfocal calendars check` shows whether the calendar works.";
    /// The mail server cannot be reached.
    MailUnavailable "mail_unavailable" Unavailable "The mail server cannot take the mail now"
        "It is down, overloaded, or asks to come back later; the message holds its words."
        "It is tried again by itself; look at smtp.host and smtp.port if it stays.";
    /// The mail server refuses.
    MailRefused "mail_refused" NeedsAttention "The mail server refuses"
        "The address does not exist there, the login is wrong, or STARTTLS is not offered; the message holds its words."
        "Correct the address, or the section smtp of the configuration; `parfocal doctor` and the page /mail show what is kept.";
    /// The mailbox cannot be reached.
    MailboxUnavailable "mailbox_unavailable" Unavailable "The mailbox cannot be read now"
        "Its server is down, overloaded or silent; the message holds its words."
        "It is looked at again by itself; look at imap.host and imap.port if it stays.";
    /// The mailbox refuses.
    MailboxRefused "mailbox_refused" NeedsAttention "The mailbox refuses"
        "The login is wrong, the folder does not exist, or STARTTLS is not offered; the message holds its words."
        "Correct the section imap of the configuration; `parfocal component check mailbox` tries it.";
    /// The time is taken.
    ScheduleConflict "schedule_conflict" Conflict "Somebody is busy at that time"
        "A person of the meeting has another one at the same time, or it is not known whether they are free."
        "Take another time, or allow conflicts; a dry run lists them.";
    /// Something could not be undone.
    ScheduleStuck "schedule_stuck" NeedsAttention "A meeting is half made and could not be taken back"
        "A step failed for good, and undoing an earlier one failed as well."
        "`parfocal schedule list --state stuck` names what is left over; mend its cause and retry it there.";
    /// The database cannot be reached.
    StoreUnavailable "store_unavailable" Unavailable "The database cannot be reached"
        "The PostgreSQL server is down, the SQLite file is locked by another program, or too many connections are open."
        "Start the database or stop the other program; what was not committed is repeated.";
    /// The database is damaged.
    StoreCorrupt "store_corrupt" Internal "The database file is damaged"
        "The file is not an SQLite database, or parts of it were overwritten."
        "Stop the server, keep a copy, and restore the last backup; Zoom's data can be taken in again by a backfill.";
    /// The disk is full.
    StorageFull "storage_full" Unavailable "The disk is full"
        "No space is left, or a limit on file sizes was met."
        "Make room; webhooks are refused with 503 meanwhile so that Zoom sends them again, and jobs are repeated.";
    /// A newer program wrote the database.
    SchemaNewer "schema_newer" NeedsAttention "The database belongs to a newer version"
        "A newer Parfocal has changed the tables."
        "Install at least that version.";
    /// The vault's key is missing or wrong.
    VaultKey "vault_key_wrong" NeedsAttention "A secret was encrypted under another key"
        "TOKEN_ENCRYPTION_KEY, or vault.key in the data directory, is not the key that the secrets were stored under."
        "Set the old key as TOKEN_ENCRYPTION_KEY_PREVIOUS and run `parfocal vault rotate`; without it, connect again.";
    /// A stored secret does not verify.
    VaultForged "vault_record_damaged" NeedsAttention "A stored secret does not verify"
        "The row was changed, damaged or copied from another owner."
        "Restore the row from a backup, or connect again.";
    /// The vault's key file is unusable.
    VaultFile "vault_key_file" NeedsAttention "The vault's key file cannot be used"
        "The file in the data directory cannot be read or written, or does not hold a key."
        "Check its owner and mode (600), restore it from a backup, or set TOKEN_ENCRYPTION_KEY.";
    /// A file on this machine cannot be read or written.
    FileFailed "file_failed" Internal "A file cannot be read or written"
        "Permissions, a full disk, or a file that was removed."
        "The message names the file.";
    /// Another worker holds it now.
    LeaseLost "lease_lost" Unavailable "Another worker took over"
        "This worker was too slow and its hold ran out."
        "Nothing is lost; the other worker does it.";
    /// The program is stopping.
    ShuttingDown "shutting_down" Unavailable "The server is stopping"
        "A stop was asked for while this was under way."
        "It continues at the next start.";
    /// Something that should not happen.
    Internal "internal" Internal "A fault in Parfocal"
        "Something happened that should not."
        "Please report it with the log lines around it.";
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_unique_snake_case_and_explained() {
        let mut seen = BTreeSet::new();
        for code in Code::ALL {
            assert!(seen.insert(code.as_str()), "{code} twice");
            assert!(
                code.as_str()
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
            );
            assert!(
                code.cause().ends_with('.') && code.mend().ends_with('.'),
                "{code}"
            );
        }
    }
}
