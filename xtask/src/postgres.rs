//! A throw-away PostgreSQL on a free loopback port.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use crate::steps::{is_root, now, output, pause, sh};

/// A running cluster; stopped and removed when dropped.
pub(crate) struct Cluster {
    server: Child,
    folder: PathBuf,
    port: u16,
}

/// The newest installed server's programs; installs Debian's package when there are none and root may do so.
fn programs() -> Result<PathBuf> {
    if let Some(found) = installed() {
        return Ok(found);
    }
    ensure!(
        is_root(),
        "PostgreSQL is not installed and only root could install it"
    );
    println!("   PostgreSQL is not on this machine: installing Debian's package");
    // Without this file the package starts a cluster of its own.
    let no_cluster = Path::new("/etc/postgresql-common/createcluster.conf");
    if !no_cluster.exists() {
        std::fs::create_dir_all("/etc/postgresql-common")?;
        std::fs::write(no_cluster, "create_main_cluster = false\n")?;
    }
    sh(Command::new("apt-get").args(["-qq", "update"]))?;
    sh(Command::new("apt-get")
        .args([
            "-qq",
            "install",
            "-y",
            "--no-install-recommends",
            "postgresql",
        ])
        .env("DEBIAN_FRONTEND", "noninteractive"))?;
    installed()
        .context("PostgreSQL was installed, but its programs are not under /usr/lib/postgresql")
}

fn installed() -> Option<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .flatten()
        .filter_map(|entry| {
            Some((
                entry.file_name().to_str()?.parse().ok()?,
                entry.path().join("bin"),
            ))
        })
        .filter(|(_, bin)| bin.join("initdb").is_file() && bin.join("postgres").is_file())
        .collect();
    versions.sort();
    versions.pop().map(|(_, bin)| bin)
}

/// Who the server runs as: PostgreSQL refuses root.
fn owner() -> Result<Option<(u32, u32)>> {
    if !is_root() {
        return Ok(None);
    }
    for name in ["postgres", "nobody"] {
        if let (Ok(user), Ok(group)) = (
            output(Command::new("id").args(["-u", name])),
            output(Command::new("id").args(["-g", name])),
        ) {
            return Ok(Some((user.trim().parse()?, group.trim().parse()?)));
        }
    }
    bail!("no user to run PostgreSQL as: neither postgres nor nobody exists")
}

fn become_owner(command: &mut Command, owner: Option<(u32, u32)>) -> &mut Command {
    if let Some((user, group)) = owner {
        command.uid(user).gid(group);
    }
    command
}

impl Cluster {
    /// Makes a cluster and waits until it answers.
    pub(crate) fn start() -> Result<Self> {
        let programs = programs()?;
        let owner = owner()?;
        let folder = std::env::temp_dir().join(format!("parfocal-postgres-{}", std::process::id()));
        std::fs::create_dir(&folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700))?;
        if let Some((user, group)) = owner {
            std::os::unix::fs::chown(&folder, Some(user), Some(group))?;
        }
        let data = folder.join("data");
        let mut initdb = Command::new(programs.join("initdb"));
        initdb
            .args([
                "-A",
                "trust",
                "-U",
                "parfocal",
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
                "--no-sync",
                "-D",
            ])
            .arg(&data)
            .current_dir(&folder);
        output(become_owner(&mut initdb, owner))?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
            .local_addr()?
            .port();
        let log = std::fs::File::create(folder.join("log"))?;
        let mut server = Command::new(programs.join("postgres"));
        server
            .arg("-D")
            .arg(&data)
            .args(["-h", "127.0.0.1", "-p", &port.to_string(), "-k"])
            .arg(&folder);
        // Its durability is not what is tested here; many test binaries connect at once.
        for setting in [
            "fsync=off",
            "synchronous_commit=off",
            "full_page_writes=off",
            "max_connections=300",
            "shared_buffers=64MB",
        ] {
            server.args(["-c", setting]);
        }
        server
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        let server = become_owner(&mut server, owner)
            .spawn()
            .context("cannot start postgres")?;
        let mut cluster = Self {
            server,
            folder,
            port,
        };
        cluster.wait()?;
        println!(
            "   PostgreSQL {} answers at {}",
            programs
                .parent()
                .and_then(Path::file_name)
                .unwrap_or_default()
                .display(),
            cluster.url()
        );
        Ok(cluster)
    }

    fn wait(&mut self) -> Result<()> {
        let began = now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            if let Some(status) = self.server.try_wait()? {
                bail!(
                    "postgres ended: {status}\n{}",
                    std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
                );
            }
            ensure!(
                began.elapsed() < Duration::from_secs(30),
                "postgres does not answer"
            );
            pause();
        }
        Ok(())
    }

    /// Where tests find it.
    pub(crate) fn url(&self) -> String {
        format!("postgres://parfocal@127.0.0.1:{}/postgres", self.port)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // An interrupt is PostgreSQL's fast shutdown. Nothing can be done about failures here but to go on.
        let stopped =
            sh(Command::new("kill").args(["-INT", &self.server.id().to_string()])).is_ok();
        if !stopped {
            let _ = self.server.kill();
        }
        let _ = self.server.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
