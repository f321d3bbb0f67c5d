/**
 * Finds secrets in text before it is backed up: tokens with a published form, private keys, and assignments of random
 * values to names such as `password`. Reports the kind, file and line, never the value. Forms: the rules of gitleaks
 * (gitleaks.toml) and the providers' own pages on key formats.
 */
import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs"
import { join } from "node:path"

export interface SecretFinding {
  /** As the caller named it. */
  readonly path: string
  /** From 1. */
  readonly line: number
  readonly kind: string
}

interface Form {
  readonly kind: string
  readonly pattern: RegExp
  /** The first group must look random: bits per character. */
  readonly entropyMin?: number
}

const FORMS: readonly Form[] = [
  { kind: "private key", pattern: /-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----/ },
  { kind: "AWS access key", pattern: /\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b/ },
  {
    kind: "AWS secret key",
    pattern: /aws.{0,20}?(?:secret|key).{0,20}?[=:]\s*["']?([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])/i,
    entropyMin: 3.5,
  },
  { kind: "GitHub token", pattern: /\b(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{82})\b/ },
  { kind: "GitLab token", pattern: /\bglpat-[A-Za-z0-9_-]{20,}\b/ },
  { kind: "Slack token", pattern: /\bxox[abeoprs]-(?:[A-Za-z0-9]+-){1,4}[A-Za-z0-9]{10,}\b/ },
  {
    kind: "Slack webhook",
    pattern: /https:\/\/hooks\.slack\.com\/(?:services|workflows)\/[A-Za-z0-9+/]{40,60}/,
  },
  { kind: "Anthropic key", pattern: /\bsk-ant-[a-z0-9]+-[A-Za-z0-9_-]{32,}/ },
  {
    kind: "OpenAI key",
    pattern: /\bsk-(?:(?:proj|svcacct|admin)-[A-Za-z0-9_-]{40,}|[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20})/,
  },
  { kind: "Google API key", pattern: /\bAIza[A-Za-z0-9_-]{35}\b/ },
  { kind: "Stripe key", pattern: /\b[sr]k_(?:live|test)_[A-Za-z0-9]{24,}\b/ },
  { kind: "npm token", pattern: /\bnpm_[A-Za-z0-9]{36}\b/ },
  { kind: "Telegram bot token", pattern: /\b\d{8,10}:AA[A-Za-z0-9_-]{33}\b/ },
  { kind: "Hugging Face token", pattern: /\bhf_[A-Za-z]{34}\b/ },
  {
    kind: "JSON web token",
    pattern: /\beyJ[A-Za-z0-9_-]{16,}\.eyJ[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}\b/,
  },
  {
    kind: "password or key",
    pattern:
      /(?:passw(?:or)?d|passphrase|secret|api[_-]?key|access[_-]?token|auth[_-]?token|client[_-]?secret|private[_-]?key|encryption[_-]?key)["'`]?\s*(?:=|:|:=|=>)\s*["'`]?([^\s"'`,;<>(){}]{12,200})/i,
    entropyMin: 3.3,
  },
]

/** A reference, a variable or a placeholder is no secret. */
const HARMLESS =
  /^(?:env|file|keychain|command|profile):|^(?:\$|%|process\.|os\.|https?:|\/|~\/|\.\/)|x{4,}|\*{3,}|\.{3}|your|example|placeholder|changeme|redacted|dummy/i

export const SCANNED_BYTES_MAX: number = 1024 * 1024
/** Longer lines are data, such as an embedded picture. */
const LINE_CHARACTERS_MAX = 20_000
const FINDINGS_A_FILE_MAX = 20

/** At most 20 findings. */
export function secretsInText(text: string): Omit<SecretFinding, "path">[] {
  const found: Omit<SecretFinding, "path">[] = []
  for (const [at, line] of text.split("\n").entries()) {
    const kind = line.length > LINE_CHARACTERS_MAX ? undefined : kindOf(line)
    if (kind === undefined) continue
    found.push({ line: at + 1, kind })
    if (found.length === FINDINGS_A_FILE_MAX) break
  }
  return found
}

function kindOf(line: string): string | undefined {
  return FORMS.find(({ pattern, entropyMin }) => {
    if (!pattern.test(line)) return false
    if (entropyMin === undefined) return true
    // a placeholder may stand before the secret: JSON is often one line
    const all = [...line.matchAll(new RegExp(pattern, `${pattern.flags}g`))]
    return all.some(([, value = ""]) => !HARMLESS.test(value) && isRandom(value, entropyMin))
  })?.kind
}

/** Words have one kind of character and few different ones. */
function isRandom(value: string, bitsMin: number): boolean {
  const kinds = [/[a-z]/, /[A-Z]/, /\d/, /[^A-Za-z0-9]/].filter((kind) => kind.test(value)).length
  return kinds >= 2 && entropy(value) >= bitsMin
}

/** Shannon's, in bits per character. */
function entropy(text: string): number {
  const counts = new Map<string, number>()
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1)
  let bits = 0
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length)
  return bits
}

/**
 * Reads the files of a folder and lists what looks like secrets. Binary files, and files that are larger than 1 MiB or
 * can't be read, are passed over.
 * @param paths relative to the folder
 */
export function scanSecrets(folder: string, paths: Iterable<string>): SecretFinding[] {
  const found: SecretFinding[] = []
  for (const path of paths) {
    const text = smallText(join(folder, path))
    if (text !== undefined) found.push(...secretsInText(text).map((finding) => ({ path, ...finding })))
  }
  return found
}

function smallText(path: string): string | undefined {
  let handle: number | undefined
  try {
    // neither a link nor a pipe
    handle = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    const stat = fstatSync(handle)
    if (!stat.isFile() || stat.size > SCANNED_BYTES_MAX) return undefined
    const bytes = readFileSync(handle)
    return bytes.includes(0) ? undefined : bytes.toString("utf8")
  } catch {
    return undefined
  } finally {
    if (handle !== undefined) closeSync(handle)
  }
}

/** For a line that a person reads: a value with a secret in it is not repeated. */
export function maskSecrets(text: string): string {
  const masked = text.replaceAll(/(:\/\/)[^/@\s]*@/g, "$1(hidden)@")
  return FORMS.some(({ pattern, entropyMin }) => entropyMin === undefined && pattern.test(masked))
    ? "(hidden)"
    : masked
}
