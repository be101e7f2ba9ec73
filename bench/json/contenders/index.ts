/** A contender; its name is that of its file, which its process alone loads. */
export interface ContenderEntry {
  readonly name: string;
  readonly title: string;
  /** What it has to show when a piece has come. */
  readonly shows: string;
}

export const whole: ContenderEntry = {
  name: 'whole',
  title: '`JSON.parse` at the end',
  shows: 'nothing',
};

export const partialJson: ContenderEntry = {
  name: 'partialJson',
  title: '`partialJson`',
  shows: 'a value that stays as it is',
};

export const jsonriver: ContenderEntry = {
  name: 'jsonriver',
  title: '`jsonriver`',
  shows: 'one value, changed in place',
};

export const streamparser: ContenderEntry = {
  name: 'streamparser',
  title: '`@streamparser/json`',
  shows: 'one value, changed in place; an open string beside it',
};

export const reparsing: ContenderEntry = {
  name: 'reparsing',
  title: '`partial-json`',
  shows: 'a new value',
};
