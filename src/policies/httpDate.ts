// The three forms, of which only the first is still written: IMF-fixdate, RFC 850, C's asctime (which pads a day with
// a space). The day's name says nothing that the date does not say; a wrong one is let pass.
const forms = [
  /^[A-Z][a-z]{2}, (?<day>\d\d) (?<month>[A-Z][a-z]{2}) (?<year>\d{4}) (?<clock>\d\d:\d\d:\d\d) GMT$/,
  /^[A-Z][a-z]{5,8}, (?<day>\d\d)-(?<month>[A-Z][a-z]{2})-(?<year>\d\d) (?<clock>\d\d:\d\d:\d\d) GMT$/,
  /^[A-Z][a-z]{2} (?<month>[A-Z][a-z]{2}) (?<day>[ \d]\d) (?<clock>\d\d:\d\d:\d\d) (?<year>\d{4})$/,
];

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/**
 * The time of an HTTP date in milliseconds since 1970, `undefined` where it is none. All three forms that RFC 9110,
 * section 5.6.7 obliges a recipient to accept. `Date.parse` is no help: engines differ, and it reads the third form in
 * local time.
 *
 * @param now Milliseconds since 1970. A year of two digits is the latest one that lies at most 50 years after it.
 */
export function parseHttpDate(text: string, now: number): number | undefined {
  const fields = forms.map((form) => form.exec(text)?.groups).find((groups) => groups !== undefined);
  if (fields === undefined) return undefined;
  const { year = '' } = fields;
  if (year.length === 4) return toTime(Number(year), fields);

  const limit = new Date(now);
  limit.setUTCFullYear(limit.getUTCFullYear() + 50);
  const latest = limit.getUTCFullYear() - ((limit.getUTCFullYear() - Number(year)) % 100);
  const time = toTime(latest, fields);
  // In the very year of the limit, the date may still lie behind it.
  return time !== undefined && time > limit.getTime() ? toTime(latest - 100, fields) : time;
}

function toTime(year: number, fields: Readonly<Record<string, string>>): number | undefined {
  const day = Number(fields['day']);
  const month = months.indexOf(fields['month'] ?? '');
  const [hour = NaN, minute = NaN, second = NaN] = (fields['clock'] ?? '').split(':').map(Number);
  // 60 is a leap second.
  if (month === -1 || hour > 23 || minute > 59 || second > 60) return undefined;
  const midnight = Date.UTC(year, month, day);
  // A day that the month does not have would become one of the next.
  if (new Date(midnight).getUTCDate() !== day) return undefined;
  return midnight + ((hour * 60 + minute) * 60 + second) * 1_000;
}
