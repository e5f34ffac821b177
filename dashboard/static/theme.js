/** Light or dark: as the system has it, or as the user chose. */

const NAME = "fanout-theme";
const CHOICES = ["system", "light", "dark"];

function chosen() {
  const found = localStorage.getItem(NAME);
  return CHOICES.includes(found) ? found : "system";
}

function apply(choice, button) {
  document.documentElement.dataset.theme = choice;
  button.textContent = `Theme: ${choice}`;
}

/** Have a button go through the choices. */
export function bindTheme(button) {
  apply(chosen(), button);
  button.addEventListener("click", () => {
    const next = CHOICES[(CHOICES.indexOf(chosen()) + 1) % CHOICES.length];
    localStorage.setItem(NAME, next);
    apply(next, button);
  });
}
