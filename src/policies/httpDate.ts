// IMF-fixdate, the one form that is still written, and that of RFC 850, whose year has two digits. The day's name says
// nothing that the date does not say; a wrong one is let pass.
const form = /^\w+, (\d\d)[ -](\w{3})[ -](\d\d|\d{4}) (\S{8}) GMT$/;
// That of C's asctime, whose day is padded with a space: it is first given two digits.
const paddedDay = /(?<=^\w{3} \w{3} ) /;
const asctime = /^(\w{3}) (\w{3}) (\d\d) (\S{8}) (\d{4})$/;

/**
 * The time of an HTTP date in milliseconds since 1970, `undefined` where it is none. All three forms that RFC 9110,
 * section 5.6.7 obliges a recipient to accept.
 *
 * @param now Milliseconds since 1970. A year of two digits is the latest one that lies at most 50 years after it.
 */
export function parseHttpDate(text: string, now: number): number | undefined {
  const fields = form.exec(text.replace(paddedDay, '0').replace(asctime, '$1, $3 $2 $5 $4 GMT'));
  if (fields === null) return undefined;
  const [, day = '', month = '', year = '', clock = ''] = fields;
  const timeIn = (fullYear: string): number | undefined => toTime(`${day} ${month} ${fullYear} ${clock} GMT`);
  if (year.length === 4) return timeIn(year);

  const date = new Date(now);
  const limit = date.setUTCFullYear(date.getUTCFullYear() + 50);
  const century = Math.floor(date.getUTCFullYear() / 100);
  const times = [century, century - 1].map((hundreds) => timeIn(`${hundreds}${year}`));
  return times.find((time) => time !== undefined && time <= limit);
}

// Engines differ in what `Date.parse` lets pass, as the 31st of a month of 30 days. So it is given the one form that all
// of them read, and believed where the time is written the same.
function toTime(text: string): number | undefined {
  // A leap second, which no engine knows, is the second after the one before it.
  const known = text.replace(':60 GMT', ':59 GMT');
  const time = Date.parse(known);
  if (!new Date(time).toUTCString().endsWith(known)) return undefined;
  return known === text ? time : time + 1_000;
}
