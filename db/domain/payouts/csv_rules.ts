/** The contract's columns, as they stand in the first line (ops, 3.2). */
export const CSV_COLUMNS = [
  "流水号",
  "真实姓名",
  "收款方账户名称(必填)",
  "开户银行(选填)",
  "开户行全称(选填)",
  "身份证(必填)",
  "收款方账号(必填)",
  "实发金额(必填)",
  "实名手机号(必填)",
  "款项属性(选填)",
  "打款结果",
] as const;

/** Spreadsheets take a file for UTF-8 when it begins with this. */
export const BYTE_ORDER_MARK = "\ufeff";

/**
 * What a spreadsheet might run: a sign formulas begin with, also full-width or small, whatever
 * blank or invisible stands before it; or a tab or line break, behind which some look for one.
 */
const FORMULA = /^[\s\p{C}]*?[\t\r\n=+\-@＝＋－＠﹦﹢﹣﹫]/u;
/** So long that spreadsheets, which count with 15 digits, would change the last ones. */
const LONG_NUMBER = /^\d{12,}X?$/i;

export interface GuardOptions {
  /** Long numbers too are to be text to a spreadsheet. */
  isForSpreadsheet: boolean;
}

/**
 * A text as a cell that no spreadsheet runs: behind a `'` where it needs one. So is a text with a
 * `'` of its own, so that {@link unguardCell} answers every text exactly as it was.
 */
export function guardCell(text: string, { isForSpreadsheet }: GuardOptions): string {
  const isGuarded = text.startsWith("'") || FORMULA.test(text) ||
    (isForSpreadsheet && LONG_NUMBER.test(text));
  return isGuarded ? `'${text}` : text;
}

export function unguardCell(cell: string): string {
  return cell.startsWith("'") ? cell.slice(1) : cell;
}

/** One line of a CSV file (RFC 4180), its end included: a line feed, as the contract's sample. */
export function csvLine(texts: readonly string[], options: GuardOptions): string {
  return `${texts.map((text) => quoted(guardCell(text, options))).join(",")}\n`;
}

function quoted(cell: string): string {
  return /[",\r\n\ufeff]|^\s|\s$/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

export function attributeOf(
  { period, groupId, category }: { period: string; groupId: number; category: string },
): string {
  const [year, month] = [period.slice(0, 4), period.slice(4)];
  const word = category === "Group" ? "群主收入" : "鼓励金";
  return `${year}年${month}月群${groupId}${word}`;
}

/** Whether the first line of a file is the contract's; spreadsheets may add empty columns. */
export function isHeader(cells: readonly string[]): boolean {
  return hasAllColumns(cells) && CSV_COLUMNS.every((name, at) => cells[at]!.trim() === name);
}

export function hasAllColumns(cells: readonly string[]): boolean {
  return cells.length >= CSV_COLUMNS.length && isBlank(cells.slice(CSV_COLUMNS.length));
}

export function isBlank(cells: readonly string[]): boolean {
  return cells.every((cell) => cell.trim() === "");
}
