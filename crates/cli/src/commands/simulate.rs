//! `simulate`: a Zoom account on this machine.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use jiff::Timestamp;
use parfocal_simulator::faults::FaultSpec;
use parfocal_simulator::tls::Authority;
use parfocal_simulator::{Config, Generate, Limits, Plan, RateHeaders, Simulator, WebhookTarget};
use serde_json::{Map, Value, json};

use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::style::{self, paint};
use crate::stop;

const AFTER_HELP: &str = "\
Point Parfocal (or any other Zoom client) at it:
  export ZOOM_API_URL=http://127.0.0.1:8090/v2 ZOOM_OAUTH_URL=http://127.0.0.1:8090 ZOOM_DOWNLOAD_HOSTS=127.0.0.1
  export ZOOM_ACCOUNT_ID=simulator ZOOM_S2S_CLIENT_ID=simulator ZOOM_S2S_CLIENT_SECRET=simulator

Programs with Zoom's own hosts built in reach it through the proxy on the same port, with TLS:
  parfocal simulate --tls
  HTTPS_PROXY=http://127.0.0.1:8090 NODE_EXTRA_CA_CERTS=$(parfocal simulate ca) node app.js

Faults are KIND[,KEY=VALUE...] or a JSON object. Kinds: rate_limit, server_error, slow, cut, expired_token, revoked_consent,
transcript_late, transcript_never, html_download, endless_pages; lost (carried out, never answered), late_answer (carried
out, answered late), answer (your own status and body). Keys: path, method, grant_type, every, times, status, retry_after,
delay_ms, after_bytes, body. Example: --fault server_error,path=/v2/users,times=2,status=503";

/// Run a Zoom account on this machine, for trying things and for tests
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP, args_conflicts_with_subcommands = true)]
pub(crate) struct Simulate {
    #[command(subcommand)]
    action: Option<Action>,
    /// Port on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 8090, value_name = "N")]
    port: u16,
    /// What the account has bought: free, pro or business
    #[arg(long, default_value = "business", value_name = "PLAN")]
    plan: Plan,
    /// Whose rate limits are enforced: free, pro, business, plan (the account's own) or off
    #[arg(long, default_value = "plan", value_name = "LIMITS")]
    limits: Limits,
    /// Generate an organisation with this many users instead of the built-in one
    #[arg(long, value_name = "N")]
    users: Option<u32>,
    /// How many meetings the generated organisation has held
    #[arg(long, value_name = "M")]
    meetings: Option<u32>,
    /// Seed of everything random; the same seed gives the same account
    #[arg(long, default_value_t = 1, value_name = "S")]
    seed: u64,
    /// Folder of .vtt files (and chat.txt beside them) that become recorded meetings
    #[arg(long, value_name = "DIR")]
    transcripts: Option<PathBuf>,
    /// Simulated seconds per real second, 0 to 20
    #[arg(long, default_value_t = 1.0, value_name = "X")]
    speed: f64,
    /// Time at the start, as RFC 3339 [default: now]
    #[arg(long, value_name = "TIME")]
    time: Option<Timestamp>,
    /// File through which a server follows the simulated clock (its clock.file)
    #[arg(long, value_name = "FILE")]
    clock_file: Option<PathBuf>,
    /// Rate headers of answers: on, category or off
    #[arg(long, default_value = "on", value_name = "WHICH")]
    headers: RateHeaders,
    /// Send all webhooks to this address from the start; may be repeated
    #[arg(long, value_name = "URL")]
    webhook: Vec<String>,
    /// Serve TLS and a proxy for Zoom's hosts on the same port, with a certificate authority of its own
    #[arg(long)]
    tls: bool,
    /// Seconds for which a rotated refresh token still works
    #[arg(long, default_value_t = 0, value_name = "SECONDS")]
    refresh_grace: u32,
    /// Something that goes wrong; may be repeated
    #[arg(long, value_name = "FAULT", value_parser = fault)]
    fault: Vec<FaultSpec>,
}

/// What else there is to do.
#[derive(Debug, Subcommand)]
enum Action {
    /// Print where the certificate of the simulator's authority is; made on first use
    Ca(Ca),
}

/// Print where the certificate of the simulator's authority is
#[derive(Debug, Args)]
struct Ca {
    /// Print the certificate itself, as PEM
    #[arg(long)]
    pem: bool,
    /// Write the certificate to this file too
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Folder of the certificate authority in the data directory.
const AUTHORITY: &str = "simulator-ca";

/// Runs the command.
pub(crate) async fn run(command: Simulate, context: &Context) -> Result<Exit, Failure> {
    let settings = context.settings()?;
    context.logs(&settings, "warn")?;
    let authority = settings.config.data.dir.join(AUTHORITY);
    if let Some(Action::Ca(ca)) = &command.action {
        return certificate(ca, &authority, context);
    }
    let generate = match (command.users, command.meetings) {
        (None, None) => None,
        (users, meetings) => {
            let users = users.unwrap_or(20);
            Some(Generate {
                users,
                meetings: meetings.unwrap_or(users.saturating_mul(10)),
            })
        }
    };
    if !(0.0..=20.0).contains(&command.speed) {
        return Err(Failure::usage(
            "usage",
            format!("--speed {} is not between 0 and 20", command.speed),
        ));
    }
    if let Some(folder) = &command.transcripts {
        let seen = std::fs::read_dir(folder);
        if let Err(error) = seen {
            return Err(Failure::usage(
                "usage",
                format!("--transcripts {} cannot be read: {error}", folder.display()),
            )
            .hint("Name a folder that holds .vtt files; each becomes a recorded meeting."));
        }
    }
    let authority_folder = command.tls.then(|| authority.clone());
    let config = Config {
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, command.port)),
        plan: command.plan,
        limits: command.limits,
        rate_headers: command.headers,
        seed: command.seed,
        transcripts_dir: command.transcripts,
        generate,
        speed: command.speed,
        clock_file: command.clock_file,
        base_time: command.time,
        webhooks: command
            .webhook
            .into_iter()
            .map(|url| WebhookTarget {
                url,
                events: vec!["*".to_owned()],
                secret_token: None,
            })
            .collect(),
        refresh_grace_secs: command.refresh_grace,
        faults: command.fault,
        tls: command.tls.then_some(authority),
        ..Config::default()
    };
    let plan = config.plan;
    let transcripts = config.transcripts_dir.is_some();
    let limits = config.limits.plan(plan).map_or("off", Plan::name);
    // Before anything is said: whoever reads the first line may stop the program at once.
    let stop = stop::on_signal();
    let simulator = Simulator::start(config).await.map_err(|error| {
        Failure::failed(
            "simulator",
            format!("the simulator could not start: {error}"),
        )
        .hint(if transcripts {
            "Another program may use the port: --port 0 takes a free one. Files in --transcripts have to be WebVTT (.vtt) or \
             chat.txt."
        } else {
            "Another program may use the port: --port 0 takes a free one."
        })
    })?;
    let certificate = match &authority_folder {
        Some(folder) => Some(authority_of(folder)?.1),
        None => None,
    };
    introduce(
        context,
        simulator.base_url(),
        plan.name(),
        limits,
        certificate.as_deref(),
    )?;
    stop.cancelled().await;
    simulator.shutdown().await;
    Ok(Exit::Done)
}

/// The authority in a folder, made on first use, and where its certificate lies.
fn authority_of(folder: &Path) -> Result<(Authority, PathBuf), Failure> {
    let authority = Authority::open(folder).map_err(|error| {
        Failure::failed("simulator_ca", format!("the certificate authority in {} cannot be used: {error}", folder.display()))
            .hint("Remove the folder to have a new one made; programs then have to trust the new certificate.")
    })?;
    let file = authority.certificate_file();
    let file = std::path::absolute(&file).unwrap_or(file);
    Ok((authority, file))
}

fn certificate(command: &Ca, folder: &Path, context: &Context) -> Result<Exit, Failure> {
    let (authority, file) = authority_of(folder)?;
    let pem = authority.certificate_pem();
    if let Some(path) = &command.out {
        std::fs::write(path, pem).map_err(|error| Failure::file("writing", path, &error))?;
    }
    if context.out.is_json() {
        context
            .out
            .json(&json!({"certificate_file": file, "pem": pem}))?;
    } else if command.pem {
        context.out.raw(pem.as_bytes())?;
    } else {
        context.out.line(file.display())?;
    }
    Ok(Exit::Done)
}

fn introduce(
    context: &Context,
    base: &str,
    plan: &str,
    limits: &str,
    certificate: Option<&Path>,
) -> Result<(), Failure> {
    let secure = base.replacen("http://", "https://", 1);
    if context.out.is_json() {
        let mut said = json!({
            "base_url": base, "api_url": format!("{base}/v2"), "oauth_url": base, "control_url": format!("{base}/_sim"),
            "account_id": "simulator", "client_id": "simulator", "client_secret": "simulator",
            "webhook_secret_token": "simulator-webhook-secret", "plan": plan, "limits": limits,
        });
        if let Some(certificate) = certificate {
            said["https_url"] = secure.into();
            said["proxy"] = base.into();
            said["certificate_file"] = certificate.display().to_string().into();
        }
        return context.out.json(&said);
    }
    let out = &context.out;
    out.line(format!(
        "{} A Zoom account is simulated at {} ({plan} plan, rate limits: {limits})",
        paint(style::OK, "✓"),
        paint(style::ACCENT, base),
    ))?;
    out.line("")?;
    for (label, text) in [
        (
            "account id, client id, client secret",
            "simulator (each of the three)".to_owned(),
        ),
        (
            "webhook secret token",
            "simulator-webhook-secret".to_owned(),
        ),
        ("REST", format!("{base}/v2")),
        ("OAuth", format!("{base}/oauth")),
        ("control", format!("{base}/_sim/info")),
    ] {
        out.line(format!(
            "  {} {text}",
            paint(style::DIM, format!("{label:38}"))
        ))?;
    }
    if let Some(certificate) = certificate {
        for (label, text) in [
            ("REST with TLS", format!("{secure}/v2")),
            ("OAuth with TLS", format!("{secure}/oauth")),
            ("proxy for Zoom's own hosts", format!("HTTPS_PROXY={base}")),
            ("certificate to trust", certificate.display().to_string()),
        ] {
            out.line(format!(
                "  {} {text}",
                paint(style::DIM, format!("{label:38}"))
            ))?;
        }
    }
    out.line("")?;
    out.line(paint(
        style::DIM,
        "Ctrl-C stops it. `parfocal simulate --help` says how to point a client at it.",
    ))
}

/// Reads `KIND[,KEY=VALUE...]` or a JSON object.
fn fault(text: &str) -> Result<FaultSpec, String> {
    let value = if text.trim_start().starts_with('{') {
        serde_json::from_str::<Value>(text).map_err(|error| error.to_string())?
    } else {
        let mut parts = text.split(',');
        let mut object = Map::new();
        object.insert(
            "kind".to_owned(),
            Value::from(parts.next().unwrap_or_default().trim()),
        );
        for part in parts {
            let (key, value) = part
                .split_once('=')
                .ok_or_else(|| format!("{part:?} is not KEY=VALUE"))?;
            let key = key.trim();
            let value = match value.trim().parse::<u64>() {
                Ok(number) if key != "retry_after" => Value::from(number),
                _ => Value::from(value.trim()),
            };
            object.insert(key.to_owned(), value);
        }
        Value::Object(object)
    };
    serde_json::from_value(value).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_read_in_both_forms() {
        let spec = fault("server_error,path=/v2/users,times=2,status=503").unwrap();
        assert_eq!(
            (spec.path.as_deref(), spec.times, spec.status),
            (Some("/v2/users"), Some(2), Some(503))
        );
        let spec = fault(r#"{"kind":"rate_limit","retry_after":"Wed, 21 Oct 2026 07:28:00 GMT"}"#)
            .unwrap();
        assert_eq!(
            spec.retry_after.as_deref(),
            Some("Wed, 21 Oct 2026 07:28:00 GMT")
        );
        assert_eq!(
            fault("rate_limit,retry_after=3")
                .unwrap()
                .retry_after
                .as_deref(),
            Some("3")
        );
        assert!(fault("nonsense").unwrap_err().contains("rate_limit"));
        assert!(fault("slow,when=now").is_err());
        assert!(fault("slow,delay_ms").is_err());
    }
}
