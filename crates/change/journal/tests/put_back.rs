//! What a program did to a folder is undone to the byte.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use lowtide_journal::{Follow, JournalError, Record, RunFolder};
use std::collections::BTreeMap;
use std::fs::{self, File, FileTimes, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Everything a user could notice about one path.
type Facts = (u32, i64, i64, Vec<u8>);

struct Scene {
    _place: tempfile::TempDir,
    user: PathBuf,
    run: RunFolder,
}

impl Scene {
    fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        let root = place.path().canonicalize().unwrap();
        let user = root.join("user");
        fs::create_dir_all(user.join("data/deep")).unwrap();
        for (name, text) in
            [("a.txt", "first"), ("b.txt", "second"), ("data/c.txt", "third"), ("data/deep/d", "4")]
        {
            fs::write(user.join(name), text).unwrap();
        }
        symlink("a.txt", user.join("link")).unwrap();
        fs::set_permissions(user.join("b.txt"), Permissions::from_mode(0o640)).unwrap();
        let past = SystemTime::UNIX_EPOCH + Duration::new(1_000_000_000, 123_456_789);
        for name in ["a.txt", "b.txt", "data/c.txt", "data/deep/d", "data/deep", "data", ""] {
            let file = File::open(user.join(name)).unwrap();
            file.set_times(FileTimes::new().set_modified(past)).unwrap();
        }
        let run = RunFolder::create(&root.join("area/run")).unwrap();
        Self { _place: place, user, run }
    }

    fn facts(&self) -> BTreeMap<PathBuf, Facts> {
        let mut found = BTreeMap::new();
        visit(&self.user, &mut found);
        found
    }

    fn at(&self, name: &str) -> PathBuf {
        self.user.join(name)
    }

    fn keep(&self, name: &str, follow: Follow) {
        self.run.keep_original(&self.at(name), follow).unwrap();
    }

    fn write(&self, name: &str, text: &str) {
        self.keep(name, Follow::Links);
        fs::write(self.at(name), text).unwrap();
    }

    fn remove(&self, name: &str) {
        self.keep(name, Follow::Nothing);
        fs::remove_file(self.at(name)).unwrap();
    }

    fn rename(&self, from: &str, to: &str) {
        self.keep(to, Follow::Nothing);
        if self.at(from).is_dir() {
            self.run.note_move(&self.at(from), &self.at(to)).unwrap();
        } else {
            self.keep(from, Follow::Nothing);
        }
        fs::rename(self.at(from), self.at(to)).unwrap();
    }

    fn make_folder(&self, name: &str) {
        self.keep(name, Follow::Nothing);
        fs::create_dir(self.at(name)).unwrap();
    }
}

fn visit(path: &Path, found: &mut BTreeMap<PathBuf, Facts>) {
    let metadata = fs::symlink_metadata(path).unwrap();
    let content = if metadata.is_symlink() {
        path.read_link().unwrap().into_os_string().into_encoded_bytes()
    } else if metadata.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            visit(&entry.unwrap().path(), found);
        }
        Vec::new()
    } else {
        fs::read(path).unwrap()
    };
    // A link's own time cannot be set and says nothing.
    let modified =
        if metadata.is_symlink() { (0, 0) } else { (metadata.mtime(), metadata.mtime_nsec()) };
    found.insert(path.to_owned(), (metadata.mode(), modified.0, modified.1, content));
}

fn is_undone(program: impl FnOnce(&Scene)) {
    let scene = Scene::new();
    let before = scene.facts();
    program(&scene);
    assert_ne!(
        scene.facts(),
        before,
        "the program must change something for this test to mean anything"
    );
    scene.run.undo().unwrap();
    assert_eq!(scene.facts(), before);
    scene.run.undo().unwrap();
    assert_eq!(scene.facts(), before, "undoing twice is undoing once");
}

#[test]
fn overwritten_twice() {
    is_undone(|scene| {
        scene.write("a.txt", "new");
        scene.write("a.txt", "newer");
    });
}

#[test]
fn written_through_a_link() {
    is_undone(|scene| scene.write("link", "new"));
}

#[test]
fn a_link_replaced_by_a_file() {
    is_undone(|scene| {
        scene.remove("link");
        scene.write("link", "a file now");
    });
}

#[test]
fn new_files_in_new_folders() {
    is_undone(|scene| {
        scene.make_folder("out");
        scene.make_folder("out/sub");
        scene.write("out/sub/x", "1");
    });
}

#[test]
fn replaced_by_an_atomic_write() {
    is_undone(|scene| {
        scene.write("b.txt.tmp", "new");
        scene.rename("b.txt.tmp", "b.txt");
    });
}

#[test]
fn a_whole_tree_removed() {
    is_undone(|scene| {
        scene.remove("data/deep/d");
        scene.keep("data/deep", Follow::Nothing);
        fs::remove_dir(scene.at("data/deep")).unwrap();
        scene.remove("data/c.txt");
        scene.keep("data", Follow::Nothing);
        fs::remove_dir(scene.at("data")).unwrap();
    });
}

#[test]
fn a_folder_renamed_and_its_files_written_under_the_new_name() {
    is_undone(|scene| {
        scene.write("data/c.txt", "before the move");
        scene.rename("data", "moved");
        scene.write("moved/c.txt", "after the move");
        scene.write("moved/deep/d", "too");
        scene.make_folder("data");
        scene.write("data/c.txt", "another file");
    });
}

#[test]
fn files_renamed_in_a_ring_and_one_lost() {
    is_undone(|scene| {
        scene.rename("a.txt", "c.txt");
        scene.rename("b.txt", "a.txt");
        scene.rename("c.txt", "b.txt");
        scene.remove("b.txt");
    });
}

#[test]
fn permissions_changed() {
    is_undone(|scene| {
        scene.keep("b.txt", Follow::Links);
        fs::set_permissions(scene.at("b.txt"), Permissions::from_mode(0o400)).unwrap();
    });
}

#[test]
fn a_file_turned_into_a_folder() {
    is_undone(|scene| {
        scene.remove("a.txt");
        scene.make_folder("a.txt");
        scene.write("a.txt/x", "1");
    });
}

#[test]
fn hard_links_stay_together() {
    let scene = Scene::new();
    fs::hard_link(scene.at("a.txt"), scene.at("twin")).unwrap();
    scene.write("a.txt", "new");
    scene.run.undo().unwrap();
    fs::write(scene.at("twin"), "both").unwrap();
    assert_eq!(fs::read_to_string(scene.at("a.txt")).unwrap(), "both");
}

#[test]
fn a_file_too_large_to_keep_is_refused_and_said() {
    let scene = Scene::new();
    scene.run.order_room(7).unwrap();
    scene.keep("a.txt", Follow::Links);
    let refused = scene.run.keep_original(&scene.at("b.txt"), Follow::Links);
    assert_eq!(refused.unwrap_err().kind(), std::io::ErrorKind::StorageFull);
    let records = scene.run.records().unwrap();
    assert!(
        matches!(records.last(), Some(Record::Refused { path, .. }) if *path == scene.at("b.txt"))
    );
}

#[test]
fn devices_and_own_files_need_no_journal() {
    let scene = Scene::new();
    for path in
        [Path::new("/dev/null"), &scene.run.path().join("stdout"), Path::new("/proc/self/comm")]
    {
        scene.run.keep_original(path, Follow::Links).unwrap();
    }
    assert_eq!(scene.run.records().unwrap(), []);
}

#[test]
fn an_effect_is_noted_once() {
    let scene = Scene::new();
    scene.run.note_effect("connects to", "127.0.0.1:80").unwrap();
    scene.run.note_effect("connects to", "127.0.0.1:80").unwrap();
    assert_eq!(scene.run.records().unwrap().len(), 1);
}

#[test]
fn a_folder_that_vanished_unseen_is_made_again_for_its_files() {
    let scene = Scene::new();
    scene.write("data/c.txt", "new");
    fs::remove_dir_all(scene.at("data")).unwrap();
    scene.run.undo().unwrap();
    assert_eq!(fs::read_to_string(scene.at("data/c.txt")).unwrap(), "third");
}

#[test]
fn what_cannot_be_put_back_is_said_with_the_place_of_its_original() {
    let scene = Scene::new();
    scene.write("data/c.txt", "new");
    fs::remove_dir_all(scene.at("data")).unwrap();
    fs::write(scene.at("data"), "in the way").unwrap();
    let error = scene.run.undo().unwrap_err();
    let JournalError::PutBack { path, kept, .. } = &error else { panic!("{error}") };
    assert_eq!(*path, scene.at("data/c.txt"));
    assert_eq!(fs::read_to_string(kept.as_ref().unwrap()).unwrap(), "third");
    assert!(error.hint().contains("safe in"));
}
