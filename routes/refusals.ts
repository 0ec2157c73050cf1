import type { z } from "zod";
import { DomainError } from "../db/domain/errors.ts";
import { PARAMETER_NAMES } from "./parameter_names.ts";

/** Stands for the parameter's name in a text, a schema's own included. */
const NAME = "{}";

/** The sentences of one language, of whatever can be wrong with a parameter. */
interface Sentences {
  nameOf(parameter: string | undefined): string;
  missing: string;
  wrong: string;
  unknown: string;
  between(min: number, max: number): string;
  atLeast(min: number): string;
  atMost(max: number): string;
  itemsAtLeast(min: number): string;
  itemsAtMost(max: number): string;
  charactersAtLeast(min: number): string;
  charactersAtMost(max: number): string;
}

const CHINESE: Sentences = {
  nameOf: (parameter) => PARAMETER_NAMES[parameter ?? ""] ?? "参数",
  missing: `请填写${NAME}`,
  wrong: `${NAME}不正确`,
  unknown: "包含不支持的参数",
  between: (min, max) => `${NAME}应为${min}到${max}`,
  atLeast: (min) => `${NAME}不能小于${min}`,
  atMost: (max) => `${NAME}不能大于${max}`,
  itemsAtLeast: (min) => `${NAME}不能少于${min}个`,
  itemsAtMost: (max) => `${NAME}不能超过${max}个`,
  charactersAtLeast: (min) => `${NAME}不能少于${min}个字`,
  charactersAtMost: (max) => `${NAME}不能超过${max}个字`,
};

const ENGLISH: Sentences = {
  nameOf: (parameter) => parameter ?? "what was sent",
  missing: `${NAME} is missing`,
  wrong: `${NAME} is not valid`,
  unknown: "There are parameters nobody knows",
  between: (min, max) => `${NAME} must be from ${min} to ${max}`,
  atLeast: (min) => `${NAME} must be at least ${min}`,
  atMost: (max) => `${NAME} must be at most ${max}`,
  itemsAtLeast: (min) => `${NAME} must be at least ${min} items`,
  itemsAtMost: (max) => `${NAME} must be at most ${max} items`,
  charactersAtLeast: (min) => `${NAME} must be at least ${min} characters`,
  charactersAtMost: (max) => `${NAME} must be at most ${max} characters`,
};

/** What a check of a schema may say besides its Chinese text: the most characters, or in English. */
export interface CheckParams {
  charactersMax?: number;
  english?: string;
}

/**
 * The data as its schema wants it.
 *
 * @throws {DomainError} `params_invalid`, with the first thing wrong as a sentence for people, and its
 *   place in `field` for programs
 */
export function validate(schema: z.ZodType | undefined, data: unknown): unknown {
  if (!schema) return undefined;
  const given = data ?? {};
  const parsed = schema.safeParse(given, OWN_WORDS);
  if (parsed.success) return parsed.data;
  const issue = leafOf(parsed.error.issues[0]!);
  const field = issue.path.join(".");
  throw new DomainError("params_invalid", {
    message: sentenceOf(issue, given, CHINESE),
    english: sentenceOf(issue, given, ENGLISH),
    fields: field === "" ? {} : { field },
  });
}

/**
 * Takes the validator's own words away, so that what is left is a schema's text. Only here is it
 * known what else the schema asks of a number that is out of range: both ends of it.
 */
const OWN_WORDS: z.core.ParseContext<z.core.$ZodIssue> = {
  error: ({ code, schema }: z.core.$ZodRawIssue) =>
    code === "too_small" || code === "too_big" ? rangeOf(schema) : "",
};

const RANGE = /^(-?\d+)…(-?\d+)$/;

function rangeOf(schema: unknown): string {
  const { minValue: min, maxValue: max } = Object(schema) as Record<string, unknown>;
  const isRange = [min, max].every((end) =>
    typeof end === "number" && Math.abs(end) < Number.MAX_SAFE_INTEGER
  );
  return isRange ? `${min}…${max}` : "";
}

/** What is wrong in the option of a union that was meant: the one whose type fits, or fits furthest. */
function leafOf(issue: z.core.$ZodIssue): z.core.$ZodIssue {
  if (issue.code !== "invalid_union" || issue.message !== "") return issue;
  const [furthest] = issue.errors.flatMap(([first]) => first ? [leafOf(first)] : [])
    .filter(({ code, path }) =>
      path.length > 0 || !["invalid_type", "invalid_value", "invalid_union"].includes(code)
    )
    .sort((a, b) => b.path.length - a.path.length);
  return furthest ? { ...furthest, path: [...issue.path, ...furthest.path] } : issue;
}

function sentenceOf(issue: z.core.$ZodIssue, data: unknown, sentences: Sentences): string {
  const parameter = issue.path.findLast((part) => typeof part === "string");
  const name = sentences.nameOf(parameter as string | undefined);
  return templateOf(issue, data, sentences).replace(NAME, name);
}

function templateOf(issue: z.core.$ZodIssue, data: unknown, sentences: Sentences): string {
  const { message, path } = issue;
  const params: CheckParams = issue.code === "custom" ? issue.params ?? {} : {};
  const isBlank = isNothing(valueAt(data, path));
  const [, min, max] = RANGE.exec(message) ?? [];
  if (min !== undefined) {
    return isBlank ? sentences.missing : sentences.between(Number(min), Number(max));
  }
  if (message !== "") {
    if (sentences === CHINESE) return message;
    return params.english ?? sentences.wrong;
  }
  if (issue.code === "unrecognized_keys") return sentences.unknown;
  if (isBlank) return sentences.missing;
  if (params.charactersMax !== undefined) return sentences.charactersAtMost(params.charactersMax);
  if (issue.code === "too_small") return tooSmall(issue, sentences);
  if (issue.code === "too_big") return tooBig(issue, sentences);
  return sentences.wrong;
}

function tooSmall({ origin, minimum }: z.core.$ZodIssueTooSmall, sentences: Sentences): string {
  const min = Number(minimum);
  // What is left of it when all that cannot be seen is gone.
  if (origin === "string") return min === 1 ? sentences.missing : sentences.charactersAtLeast(min);
  return origin === "array" ? sentences.itemsAtLeast(min) : sentences.atLeast(min);
}

function tooBig({ origin, maximum }: z.core.$ZodIssueTooBig, sentences: Sentences): string {
  const max = Number(maximum);
  if (origin === "string") return sentences.charactersAtMost(max);
  return origin === "array" ? sentences.itemsAtMost(max) : sentences.atMost(max);
}

function valueAt(data: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, part) => Object(value)[part], data);
}

function isNothing(value: unknown): boolean {
  if (typeof value === "string") return value.trim() === "";
  return value === undefined || value === null || (Array.isArray(value) && value.length === 0);
}
