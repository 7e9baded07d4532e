// Explanations behind a question mark: the browser opens and closes them, here they get their place.

const GAP_PX = 6;

/** @param {HTMLElement} within */
export function placeTips(within) {
  for (const tip of within.querySelectorAll(".tip[popover]")) {
    if (!(tip instanceof HTMLElement)) continue;
    tip.addEventListener("toggle", () => {
      const button = within.querySelector(`[popovertarget="${CSS.escape(tip.id)}"]`);
      if (!button || !tip.matches(":popover-open")) return;
      const at = button.getBoundingClientRect();
      const { clientWidth } = document.documentElement;
      tip.style.left = `${Math.max(GAP_PX, Math.min(at.left, clientWidth - tip.offsetWidth - GAP_PX))}px`;
      tip.style.top = `${at.bottom + GAP_PX}px`;
    });
  }
}
