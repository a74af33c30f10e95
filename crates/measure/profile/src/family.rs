use crate::{Exit, Frame, Profile};
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

/// The processes of one run, and how they belong together.
#[derive(Clone, Debug)]
pub struct Family {
    root: Profile,
    descendants: Vec<Descendant>,
}

/// A recorded process that came from another one.
#[derive(Clone, Debug)]
pub struct Descendant {
    /// Its figures. How it ended is known if it said so itself or its parent waited for it.
    pub profile: Profile,
    /// How it came to be.
    pub birth: Birth,
    /// Its parent's place among the descendants; `None` is the process that the run began with.
    pub parent: Option<usize>,
}

/// How a process came to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Birth {
    /// Its parent forked it on this stack, outermost frame first.
    Forked(Vec<Frame>),
    /// A Python that its parent started, with a command line of its own.
    Started,
    /// Its parent became this Python: exec in the same process.
    Became,
}

impl Family {
    /// Joins the profile that a run began with and those of all others. An order of their own is not needed.
    #[must_use]
    pub fn of(root: Profile, others: Vec<Profile>) -> Self {
        let mut members = vec![root];
        members.extend(others);
        let exits: Vec<Exit> = members.iter().map(|member| exit_of(member, &members)).collect();
        for (member, exit) in members.iter_mut().zip(exits) {
            member.exit = exit;
        }
        let root = members.swap_remove(0);
        members.sort_by_key(key);
        let parents: Vec<Option<usize>> =
            members.iter().map(|member| parent_of(member, &root, &members)).collect();
        Self { descendants: in_order(members, &parents), root }
    }

    /// The process that the run began with.
    #[must_use]
    pub fn root(&self) -> &Profile {
        &self.root
    }

    /// All others: each after its parent and before that one's next child, those of one parent in order of their start.
    #[must_use]
    pub fn descendants(&self) -> &[Descendant] {
        &self.descendants
    }
}

/// What tells processes apart, and one process from what it became.
fn key(profile: &Profile) -> (u64, u32) {
    (profile.life.started_unix_ns, profile.process().pid)
}

/// The latest process of the parent's id that began before. `None` is the first one of the run, whose children are all
/// that have no other parent.
fn parent_of(child: &Profile, root: &Profile, members: &[Profile]) -> Option<usize> {
    let is_parent = |member: &Profile| {
        member.process().pid == child.process().parent_pid && key(member) < key(child)
    };
    let place = members.iter().rposition(is_parent)?;
    let is_roots = is_parent(root) && key(root) > key(&members[place]);
    (!is_roots).then_some(place)
}

/// Each after its parent. A parent begins before its child, so that following parents ends.
fn in_order(members: Vec<Profile>, parents: &[Option<usize>]) -> Vec<Descendant> {
    let mut order = Vec::with_capacity(members.len());
    add_children_of(None, parents, &mut order);
    let mut members: Vec<Option<Profile>> = members.into_iter().map(Some).collect();
    let place_of = |member: usize| order.iter().position(|&other| other == member);
    let descendant = |&member: &usize| {
        let profile = members[member].take()?;
        let parent = parents[member].and_then(place_of);
        Some(Descendant { birth: birth(&profile), profile, parent })
    };
    order.iter().filter_map(descendant).collect()
}

fn add_children_of(parent: Option<usize>, parents: &[Option<usize>], order: &mut Vec<usize>) {
    for child in (0..parents.len()).filter(|&child| parents[child] == parent) {
        order.push(child);
        add_children_of(Some(child), parents, order);
    }
}

fn birth(profile: &Profile) -> Birth {
    match &profile.life.forked_at {
        Some(frames) => Birth::Forked(frames.clone()),
        None if profile.process().pid == profile.process().parent_pid => Birth::Became,
        None => Birth::Started,
    }
}

/// What the process or its launcher said, or else what somebody was told who waited for it.
fn exit_of(profile: &Profile, members: &[Profile]) -> Exit {
    if profile.exit() != Exit::Unknown || profile.became_another() {
        return profile.exit();
    }
    let (started, pid) = key(profile);
    let endings = members.iter().flat_map(|member| &member.life.children);
    let own = endings.filter(|ending| ending.pid == pid && ending.ended_unix_ns >= started);
    let Some(ending) = own.min_by_key(|ending| ending.ended_unix_ns) else { return Exit::Unknown };
    let status = ExitStatus::from_raw(ending.wait_status);
    match (status.code(), status.signal()) {
        (Some(code), _) => Exit::Status(code),
        (None, Some(signal)) => Exit::Signal(signal),
        (None, None) => Exit::Unknown,
    }
}
