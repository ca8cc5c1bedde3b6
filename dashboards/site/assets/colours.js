// Colours and dashes: a series is told from the others by both.
const COLOURS = 8;
const DASHES = [[], [10, 3], [5, 3], [14, 3, 3, 3], [20, 4], [8, 3, 3, 3, 3, 3], [3, 3], [16, 3, 8, 3]];
const BEFORE = [3, 3];
const TARGET = [8, 4];
const OPEN = [1.5, 3];

// The CSS colour of a series. From the ninth on they come again, paler.
function roleOf(index) {
  const role = `var(--s${index % COLOURS})`;
  return index < COLOURS ? role : `color-mix(in srgb, ${role} 50%, var(--card))`;
}

// Lines of hours have no dashes: at 744 points a month nobody could see them.
function dashOf(index, step) {
  return step < DAY ? [] : DASHES[index % COLOURS];
}

// What a canvas takes for a CSS colour in the theme that shows; `share` mixes it with what is behind, and stays opaque.
function paint(colour, share = 1) {
  const probe = document.createElement("i");
  probe.style.color = `color-mix(in srgb, ${colour} ${share * 100}%, var(--card))`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}
