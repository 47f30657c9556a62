// Owns a bitmap font of five by seven dots, with the few characters that the sandbox's mark needs.

export const GLYPH_WIDTH = 5;
export const GLYPH_HEIGHT = 7;

const drawn: Record<string, string> = {
  S: '.###. #...# #.... .###. ....# #...# .###.',
  A: '.###. #...# #...# ##### #...# #...# #...#',
  N: '#...# ##..# #.#.# #.#.# #..## #...# #...#',
  D: '####. #...# #...# #...# #...# #...# ####.',
  B: '####. #...# #...# ####. #...# #...# ####.',
  O: '.###. #...# #...# #...# #...# #...# .###.',
  X: '#...# #...# .#.#. ..#.. .#.#. #...# #...#',
  0: '.###. #...# #..## #.#.# ##..# #...# .###.',
  1: '..#.. .##.. ..#.. ..#.. ..#.. ..#.. .###.',
  2: '.###. #...# ....# ..##. .#... #.... #####',
  3: '##### ...#. ..#.. ...#. ....# #...# .###.',
  4: '...#. ..##. .#.#. #..#. ##### ...#. ...#.',
  5: '##### #.... ####. ....# ....# #...# .###.',
  6: '..##. .#... #.... ####. #...# #...# .###.',
  7: '##### ....# ...#. ..#.. .#... .#... .#...',
  8: '.###. #...# #...# .###. #...# #...# .###.',
  9: '.###. #...# #...# .#### ....# ...#. .##..',
  '×': '..... ..... #...# .#.#. ..#.. .#.#. #...#',
};

const glyphs = new Map(Object.entries(drawn).map(([character, rows]) => [character, rows.split(' ')]));

/** Whether the character has a dot there; characters that are not drawn are blank. */
export function hasDot(character: string, column: number, row: number): boolean {
  return glyphs.get(character)?.[row]?.[column] === '#';
}
