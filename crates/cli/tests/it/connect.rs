//! Connecting by command: a browser that comes back to this machine, a code typed in elsewhere, links, and what is told when
//! somebody has to act.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStderr, Stdio};

use serde_json::Value;

use crate::support::{Running, World};

/// A simulated account whose clock the program follows, so that waiting is short.
struct Account {
    _simulator: Running,
    _place: World,
    base: String,
    world: World,
}

impl Account {
    fn new() -> Self {
        let place = World::new();
        let clock = place.path("clock.json").display().to_string();
        let arguments = [
            "simulate",
            "--port",
            "0",
            "--limits",
            "off",
            "--speed",
            "20",
            "--clock-file",
            &clock,
            "--json",
        ];
        let simulator = place.start(&arguments);
        let base = simulator.hello()["base_url"].as_str().unwrap().to_owned();
        let world = World::new()
            .env("ZOOM_API_URL", format!("{base}/v2"))
            .env("ZOOM_OAUTH_URL", &base)
            .env("ZOOM_DOWNLOAD_HOSTS", "127.0.0.1")
            .env("PARFOCAL_LIMITS__PLAN", "off")
            .env("PARFOCAL_CLOCK__FILE", &clock)
            .env("ZOOM_PUBLIC_CLIENT_ID", "simulator-public");
        Self {
            _simulator: simulator,
            _place: place,
            base,
            world,
        }
    }

    /// Starts a command that waits for somebody, and reads what it asks for.
    fn ask(&self, arguments: &[&str]) -> Asking {
        Asking::of(&self.world, arguments)
    }

    /// Connects somebody and gives the connection.
    fn connect(&self) -> Value {
        let asking = self.ask(&["connect", "user", "--no-browser"]);
        consent(&asking.asked, "allow");
        asking.ends(0)
    }

    fn control(&self, path: &str, body: &str) {
        let (status, text) = http(|client| {
            client
                .post(format!("{}/_sim/{path}", self.base))
                .header("content-type", "application/json")
                .body(body.to_owned())
        });
        assert_eq!(status, 200, "{text}");
    }
}

/// A command that waits.
struct Asking {
    child: Child,
    reader: BufReader<ChildStderr>,
    asked: Value,
}

impl Asking {
    fn of(world: &World, arguments: &[&str]) -> Self {
        let mut child = world
            .command(&[arguments, &["--json"]].concat())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut reader = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let asked = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        Asking {
            child,
            reader,
            asked,
        }
    }

    /// It ends with this code; what it printed.
    #[track_caller]
    fn ends(mut self, code: i32) -> Value {
        let mut stdout = String::new();
        self.child
            .stdout
            .take()
            .unwrap()
            .read_to_string(&mut stdout)
            .unwrap();
        let mut stderr = String::new();
        self.reader.read_to_string(&mut stderr).unwrap();
        let status = self.child.wait().unwrap();
        assert_eq!(status.code(), Some(code), "{stdout}\n{stderr}");
        let text = if stdout.is_empty() { stderr } else { stdout };
        serde_json::from_str(text.trim()).unwrap_or_else(|error| panic!("{error}: {text}"))
    }
}

fn http(request: impl FnOnce(&reqwest::Client) -> reqwest::RequestBuilder) -> (u16, String) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = request(&client).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    })
}

/// Answers Zoom's consent page as a browser would; the page it ends on.
fn consent(asked: &Value, verdict: &str) -> (u16, String) {
    let url = format!("{}&sim_consent={verdict}", asked["open"].as_str().unwrap());
    http(|client| client.get(url).header("accept", "text/html"))
}

#[test]
fn a_browser_comes_back_to_this_machine() {
    let account = Account::new();
    let asking = account.ask(&["connect", "user", "--no-browser"]);
    let open = asking.asked["open"].as_str().unwrap().to_owned();
    assert!(
        open.contains("redirect_uri=http%3A%2F%2F127.0.0.1%3A") && open.contains("S256"),
        "{open}"
    );
    let (status, page) = consent(&asking.asked, "allow");
    assert_eq!(status, 200, "{page}");
    assert!(page.contains("go back to the terminal"), "{page}");
    let connection = asking.ends(0);
    assert_eq!(connection["kind"], "user");
    assert!(!connection.to_string().contains("eyJ"), "a token is shown");

    // Again: the same connection.
    assert_eq!(account.connect()["id"], connection["id"]);
    let name = connection["name"].as_str().unwrap();
    let me = account
        .world
        .run(&["api", "GET", "/users/me", "--json"])
        .exits(0)
        .json();
    assert_eq!(me["id"], connection["subject"]);

    // Consent is withdrawn: told with exit code 3, and mended by the same person.
    account.control("deauthorize", "{}");
    let told = account
        .world
        .run(&["connections", "check", name, "--json"])
        .exits(3)
        .json();
    assert_eq!(told["state"], "needs_reconnect");
    let asking = account.ask(&["connections", "reconnect", name, "--no-browser"]);
    consent(&asking.asked, "allow");
    assert_eq!(asking.ends(0)["id"], connection["id"]);

    let erase = ["connections", "remove", name, "--erase-data", "--json"];
    let problem = account.world.run(&erase).exits(2).problem();
    assert!(problem["hint"].as_str().unwrap().contains("--yes"));
    let receipt = account
        .world
        .run(&[&erase[..], &["--yes"]].concat())
        .exits(0)
        .json();
    assert_eq!(receipt["name"], name);
    assert!(receipt["erased"].is_object(), "{receipt}");
}

#[test]
fn a_consent_that_does_not_come_is_told() {
    let account = Account::new();
    let asking = account.ask(&["connect", "user", "--no-browser"]);
    let (status, page) = consent(&asking.asked, "deny");
    assert_eq!(status, 403, "{page}");
    assert_eq!(asking.ends(1)["code"], "consent_denied");

    let asking = account.ask(&["connect", "user", "--no-browser", "--timeout", "1"]);
    let problem = asking.ends(3);
    assert_eq!(problem["code"], "consent_missing");

    let world = World::new();
    let problem = world
        .run(&["connect", "user", "--no-browser", "--json"])
        .exits(1)
        .problem();
    assert!(
        problem["hint"]
            .as_str()
            .unwrap()
            .contains("ZOOM_PUBLIC_CLIENT_ID"),
        "{problem}"
    );
}

#[test]
fn an_answer_to_another_login_does_not_end_the_wait() {
    let account = Account::new();
    let asking = account.ask(&["connect", "user", "--no-browser"]);
    let open = asking.asked["open"].as_str().unwrap();
    let open: url::Url = open.parse().unwrap();
    let back = open
        .query_pairs()
        .find(|(name, _)| name == "redirect_uri")
        .unwrap()
        .1
        .into_owned();
    for query in ["?code=x&state=forged", "", "?error=access_denied"] {
        let (status, page) = http(|client| client.get(format!("{back}{query}")));
        assert_eq!(status, 400, "{page}");
    }
    consent(&asking.asked, "allow");
    asking.ends(0);
}

#[test]
fn a_code_is_typed_in_on_another_machine() {
    let account = Account::new();
    let asking = account.ask(&["connect", "user", "--device"]);
    let asked = &asking.asked;
    let code = asked["user_code"].as_str().unwrap().to_owned();
    let uri = asked["verification_uri"].as_str().unwrap().to_owned();
    let (status, page) = http(|client| {
        client
            .post(uri)
            .form(&[("user_code", code.as_str()), ("consent", "allow")])
    });
    assert_eq!(status, 200, "{page}");
    assert_eq!(asking.ends(0)["kind"], "user");
}

#[test]
fn links_are_made_listed_and_withdrawn() {
    let account = Account::new();
    let json = |arguments: &[&str]| {
        account
            .world
            .run(&[arguments, &["--json"]].concat())
            .exits(0)
            .json()
    };
    let made = json(&[
        "connect",
        "link",
        "create",
        "--for",
        "Ana Souza",
        "--days",
        "2",
    ]);
    let (token, url) = (
        made["token"].as_str().unwrap(),
        made["url"].as_str().unwrap(),
    );
    assert!(url.ends_with(token) && url.contains("/connect/"), "{url}");
    let list = json(&["connect", "link", "list"]);
    assert_eq!(list["items"][0]["state"], "open");
    assert!(!list.to_string().contains(token), "a link is shown once");
    let id = list["items"][0]["id"].as_str().unwrap();
    assert_eq!(json(&["connect", "link", "revoke", id])["state"], "revoked");
    account
        .world
        .run(&["connect", "link", "revoke", "nothing", "--json"])
        .exits(1)
        .problem();
}

#[test]
fn scopes_name_what_to_tick() {
    let world = World::new();
    for feature in ["ingest", "schedule", "zoom-app", "actions"] {
        for kind in ["s2s", "user", "admin"] {
            let needed = world
                .run(&["scopes", "--for", feature, "--app-type", kind, "--json"])
                .exits(0)
                .json();
            let scopes = needed["granular"].as_array().unwrap();
            assert!(!scopes.is_empty(), "{feature} {kind}");
            for scope in scopes {
                let name = scope["scope"].as_str().unwrap();
                assert!(!scope["why"].as_array().unwrap().is_empty(), "{name}");
                if kind == "user" {
                    assert!(!name.ends_with(":admin"), "{feature} {kind}: {name}");
                }
            }
            let text = world
                .run(&[
                    "scopes",
                    "--for",
                    feature,
                    "--app-type",
                    kind,
                    "--checklist",
                ])
                .exits(0)
                .stdout;
            assert!(text.starts_with("# "), "{text}");
            for scope in scopes {
                let name = scope["scope"].as_str().unwrap();
                assert!(text.contains(name), "{feature} {kind}: {name} is missing");
            }
        }
    }
    world
        .run(&["scopes", "--for", "everything", "--json"])
        .exits(2);
}

#[test]
fn calls_are_made_through_a_connection() {
    let account = Account::new();
    account.connect();
    let list = account
        .world
        .run(&[
            "api",
            "GET",
            "/users/me/meetings",
            "--query",
            "type=previous_meetings",
            "--all",
            "--json",
        ])
        .exits(0)
        .json();
    assert!(list["meetings"].is_array(), "{list}");
    let problem = account
        .world
        .run(&["api", "GET", "/meetings/1", "--json"])
        .exits(1)
        .problem();
    assert_eq!(problem["code"], "zoom_not_found", "{problem}");
    for wrong in [
        &["api", "GET", "users/me"][..],
        &["api", "BREW", "/users/me"],
        &["api", "POST", "/users/me/meetings", "--body", "{"],
        &["api", "POST", "/users/me/meetings", "--all"],
    ] {
        let outcome = account.world.run(&[wrong, &["--json"]].concat());
        assert!([1, 2].contains(&outcome.code), "{wrong:?}: {outcome:?}");
        outcome.problem();
    }
}

/// Somebody goes through a link in a browser of their own: the server, the page on which they agree, and back.
fn browse(link: &str, verdict: &str) -> (u16, String) {
    // A name of this machine that is a number, whatever its table of names says.
    let here = |url: &str| url.replacen("//localhost:", "//127.0.0.1:", 1);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        let header = |answer: &reqwest::Response, name: &str| {
            let value = answer.headers().get(name);
            let value = value.unwrap_or_else(|| panic!("{name}: {answer:?}"));
            value.to_str().unwrap().to_owned()
        };
        let begun = client.get(here(link)).send().await.unwrap();
        if !begun.status().is_redirection() {
            return (begun.status().as_u16(), begun.text().await.unwrap());
        }
        let cookie = header(&begun, "set-cookie");
        let cookie = cookie.split(';').next().unwrap().to_owned();
        let page = format!(
            "{}&sim_consent={verdict}&sim_user=ingrid@brightwater.example",
            header(&begun, "location")
        );
        let agreed = client.get(page).send().await.unwrap();
        let back = here(&header(&agreed, "location"));
        let back = client.get(back).header("cookie", cookie);
        let ended = back.send().await.unwrap();
        (ended.status().as_u16(), ended.text().await.unwrap())
    })
}

#[test]
fn a_calendar_is_connected_by_a_link_and_the_command_tells_what_came_of_it() {
    let place = World::new();
    let simulator = place.start(&["simulate", "--port", "0", "--limits", "off", "--json"]);
    let base = simulator.hello()["base_url"].as_str().unwrap().to_owned();
    let listen = format!("127.0.0.1:{}", crate::kill::free_port());
    let world = World::new()
        .env("PARFOCAL_SERVER__LISTEN", &listen)
        .env("PARFOCAL_GOOGLE__CLIENT_ID", "simulator")
        .env("PARFOCAL_GOOGLE__CLIENT_SECRET", "simulator")
        .env(
            "PARFOCAL_GOOGLE__CONSENT_URL",
            format!("{base}/google/o/oauth2/v2/auth"),
        )
        .env("PARFOCAL_GOOGLE__TOKEN_URL", format!("{base}/google/token"))
        .env(
            "PARFOCAL_GOOGLE__API_URL",
            format!("{base}/google/calendar/v3"),
        );
    let off = world.run(&["calendars", "connect", "google", "--no-wait", "--json"]);
    assert_eq!(off.problem()["code"], "component_off");
    world
        .run(&["component", "activate", "scheduling", "--anyway"])
        .exits(0);
    world
        .run(&["component", "activate", "calendar-google"])
        .exits(0);
    let missing = world.run(&["calendars", "connect", "microsoft", "--no-wait", "--json"]);
    let problem = missing.problem();
    assert!(
        problem["hint"]
            .as_str()
            .unwrap()
            .contains("microsoft.client_id"),
        "{problem}"
    );

    // Nobody is there to take the answer: that is said before somebody agrees in vain.
    let told = world.run(&["calendars", "connect", "google", "--no-wait", "--json"]);
    let told = told.exits(3).json();
    assert_eq!(told["server"], false);
    assert!(
        told["next"].as_str().unwrap().contains("parfocal serve"),
        "{told}"
    );

    let server = world.start(&["serve", "--json"]);
    server.hello();
    let asking = Asking::of(&world, &["calendars", "connect", "google", "work"]);
    assert_eq!(asking.asked["server"], true);
    let link = asking.asked["open"].as_str().unwrap().to_owned();
    let (status, text) = browse(&link, "deny");
    assert_eq!(status, 200, "{text}");
    let refused = asking.ends(3);
    assert_eq!(refused["code"], "consent_refused", "{refused}");

    let asking = Asking::of(&world, &["calendars", "connect", "google", "work"]);
    let link = asking.asked["open"].as_str().unwrap().to_owned();
    let (status, text) = browse(&link, "allow");
    assert_eq!(status, 303, "{text}");
    let view = asking.ends(0);
    assert_eq!(
        (&view["name"], &view["state"]),
        (&"work".into(), &"working".into()),
        "{view}"
    );
    let (status, text) = browse(&link, "allow");
    assert!(
        status >= 400 && text.contains("over already"),
        "once: {status} {text}"
    );
    let listed = world.run(&["calendars", "list", "--json"]).exits(0).json();
    assert_eq!(listed.as_array().unwrap().len(), 1, "{listed}");
}
