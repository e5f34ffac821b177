/** Light or dark: that of the system, or the choice of the user. */

const NAME = "fanout-theme";
const CHOICES = ["system", "light", "dark"];

function currentChoice() {
  const stored = localStorage.getItem(NAME);
  return CHOICES.includes(stored) ? stored : "system";
}

function apply(choice, button) {
  document.documentElement.dataset.theme = choice;
  button.textContent = `Theme: ${choice}`;
}

/** Make a button switch between the choices. */
export function bindTheme(button) {
  apply(currentChoice(), button);
  button.addEventListener("click", () => {
    const next = CHOICES[(CHOICES.indexOf(currentChoice()) + 1) % CHOICES.length];
    localStorage.setItem(NAME, next);
    apply(next, button);
  });
}
