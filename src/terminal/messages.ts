/** What the terminal shows, by id. The compiler checks that each language has every text. */
const ENGLISH = {
  welcome: 'Welcome',
  'present-card': 'Insert, tap or swipe card',
  'insert-or-swipe': 'Insert or swipe card',
  'insert-card': 'Please insert card',
  'swipe-card': 'Chip not readable: swipe card',
  'one-card-only': 'Present one card only',
  'tap-again': 'Present card again',
  'same-card': 'Present the same card',
  processing: 'Processing',
  authorising: 'Authorising, please wait',
  'enter-pin': 'Please enter PIN',
  'wrong-pin': 'Wrong PIN, enter it again',
  'last-try': 'Last try: enter PIN',
  approved: 'Approved',
  'approved-sign': 'Approved, please sign',
  declined: 'Declined',
  'call-issuer': 'Call issuer',
  'not-accepted': 'Card not accepted',
  'card-error': 'Card error',
  'card-blocked': 'Card blocked',
  cancelled: 'Cancelled',
  'no-answer': 'No answer, transaction reversed',
  'no-line': 'No line to the host',
  'must-settle': 'Settle first',
  'batch-full': 'Batch full, settle first',
  'no-keys': 'No keys, call service',
  'remove-card': 'Please remove card',
  settled: 'Batch settled',
  'settlement-failed': 'Settlement failed',
  'batch-empty': 'Nothing to settle',
  'void-refused': 'Void not possible',
  'out-of-paper': 'Printer failed, reprint the receipt',
} as const;

export type MessageId = keyof typeof ENGLISH;

const CHINESE: Readonly<Record<MessageId, string>> = {
  welcome: '欢迎光临',
  'present-card': '请插卡、挥卡或刷卡',
  'insert-or-swipe': '请插卡或刷卡',
  'insert-card': '请插卡',
  'swipe-card': '芯片无法读取，请刷卡',
  'one-card-only': '请只出示一张卡',
  'tap-again': '请再次挥卡',
  'same-card': '请使用同一张卡',
  processing: '正在处理',
  authorising: '正在授权，请稍候',
  'enter-pin': '请输入密码',
  'wrong-pin': '密码错误，请重新输入',
  'last-try': '最后一次机会，请输入密码',
  approved: '交易成功',
  'approved-sign': '交易成功，请签名',
  declined: '交易拒绝',
  'call-issuer': '请联系发卡行',
  'not-accepted': '不受理此卡',
  'card-error': '卡片错误',
  'card-blocked': '卡片已锁定',
  cancelled: '交易取消',
  'no-answer': '无应答，交易已冲正',
  'no-line': '无法连接主机',
  'must-settle': '请先结算',
  'batch-full': '批次已满，请先结算',
  'no-keys': '无密钥，请联系维护',
  'remove-card': '请取走卡片',
  settled: '结算完成',
  'settlement-failed': '结算失败',
  'batch-empty': '无交易可结算',
  'void-refused': '无法撤销',
  'out-of-paper': '打印机故障，请重打凭条',
};

export type Language = 'en' | 'zh';

/** The text of a message in a language. */
export function messageText(id: MessageId, language: Language): string {
  return language === 'zh' ? CHINESE[id] : ENGLISH[id];
}
