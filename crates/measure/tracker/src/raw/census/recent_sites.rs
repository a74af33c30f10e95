use super::sites::Site;

/// What was counted lately, and waits to be added to the rest: blocks that lie near each other are of few types and nodes.
pub(super) struct RecentSites([Site; COUNT]);

const COUNT: usize = 128;
const SHIFT: u32 = u64::BITS - COUNT.ilog2();

impl RecentSites {
    pub(super) const EMPTY: Self = Self([Site::NONE; COUNT]);

    /// Another site, if one had to make room.
    #[inline]
    pub(super) fn add(&mut self, site: Site) -> Option<Site> {
        let recent = &mut self.0[(site.hash() >> SHIFT) as usize];
        if recent.is_same(site) {
            recent.add(site);
            return None;
        }
        let other = std::mem::replace(recent, site);
        (!other.is_none()).then_some(other)
    }

    /// One of those that are left, if any is.
    pub(super) fn take(&mut self) -> Option<Site> {
        let left = self.0.iter_mut().find(|site| !site.is_none())?;
        Some(std::mem::replace(left, Site::NONE))
    }
}
