;; Divides blocks of lines into columns, and counts lines, sixteen bytes at a time: exactly what `LineColumns` and `LineForm` of `domain` do,
;; which say what a line of the form is and what each column holds. JavaScript takes seven times longer.
;;
;; A block lies in memory up to a line feed behind its last byte; 32 bytes behind that may be looked at as well. That line
;; feed is in no text of the form, no number, no word and no message, so nothing goes beyond it but the end of a line that
;; takes it for its own, which is looked for.
(module
  (import "host" "memory" (memory 1))

  ;; What stands between the values, each at a multiple of 16.
  (data (i32.const 0) "{\"clock\":")
  (data (i32.const 16) ",\"facility\":\"")
  (data (i32.const 32) "\",\"msg\":\"")
  (data (i32.const 48) "\",\"priority\":\"")
  (data (i32.const 64) "\",\"seq\":")
  (data (i32.const 80) ",\"talos-level\":\"")
  (data (i32.const 96) "\",\"talos-time\":\"")

  ;; The date that was read last, its first eight and last four characters, and its second since the epoch.
  (global $date (mut i64) (i64.const 0x2d31302d30373931)) ;; 1970-01-
  (global $day (mut i32) (i32.const 0x5431302d)) ;; -01T
  (global $dateSeconds (mut i64) (i64.const 0))

  ;; Where the table of heads is, 1024 entries of 8 bytes: i32 number of the head and one, 0 for none; i32 of its hash.
  ;; Behind them stands where each head begins, 256 times i32. Then: the end of the heads' column, and how many there are.
  (global $table (mut i32) (i32.const 0))
  (global $headsEnd (mut i32) (i32.const 0))
  (global $kinds (mut i32) (i32.const 0))

  ;; Whether the same eight bytes stand at both places.
  (func $same8 (param $a i32) (param $b i32) (result i32)
    (i64.eq (i64.load align=1 (local.get $a)) (i64.load align=1 (local.get $b))))

  ;; Whether the same bytes stand at both places, so many.
  (func $same (param $a i32) (param $b i32) (param $length i32) (result i32)
    (local $equal i32)
    (loop $next
      (local.set $equal
        (i8x16.bitmask (i8x16.eq (v128.load align=1 (local.get $a)) (v128.load align=1 (local.get $b)))))
      (if (i32.lt_u (local.get $length) (i32.const 16))
        (then
          ;; No bit is missing below the length.
          (return (i32.eqz
            (i32.and
              (i32.xor (local.get $equal) (i32.const 0xffff))
              (i32.sub (i32.shl (i32.const 1) (local.get $length)) (i32.const 1)))))))
      (if (i32.ne (local.get $equal) (i32.const 0xffff)) (then (return (i32.const 0))))
      (local.set $a (i32.add (local.get $a) (i32.const 16)))
      (local.set $b (i32.add (local.get $b) (i32.const 16)))
      (local.set $length (i32.sub (local.get $length) (i32.const 16)))
      (br $next))
    (i32.const 0))

  ;; The first byte of a value at or behind a place; one stands somewhere.
  (func $find (param $at i32) (param $byte i32) (result i32)
    (local $wanted v128) (local $found i32)
    (local.set $wanted (i8x16.splat (local.get $byte)))
    (loop $next
      (local.set $found (i8x16.bitmask (i8x16.eq (v128.load align=1 (local.get $at)) (local.get $wanted))))
      (if (local.get $found) (then (return (i32.add (local.get $at) (i32.ctz (local.get $found))))))
      (local.set $at (i32.add (local.get $at) (i32.const 16)))
      (br $next))
    (i32.const 0))

  ;; Where a line of the form may begin: the next brace, or the end.
  (func $nextLine (param $at i32) (param $end i32) (result i32)
    (local $found i32)
    (if (i32.eq (i32.load8_u (local.get $at)) (i32.const 0x7b))
      (then (if (i32.lt_u (local.get $at) (local.get $end)) (then (return (local.get $at))))))
    (block $none
      (loop $next
        (br_if $none (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $found
          (i8x16.bitmask (i8x16.eq (v128.load align=1 (local.get $at)) (i8x16.splat (i32.const 0x7b)))))
        (if (local.get $found)
          (then
            (local.set $at (i32.add (local.get $at) (i32.ctz (local.get $found))))
            (br_if $none (i32.ge_u (local.get $at) (local.get $end)))
            (return (local.get $at))))
        (local.set $at (i32.add (local.get $at) (i32.const 16)))
        (br $next)))
    (local.get $end))

  ;; Behind the number that stands here, or 0, and its value: at most 15 digits, no leading zeros.
  (func $number (param $at i32) (result i32 i64)
    (local $start i32) (local $value i64) (local $digit i32) (local $length i32)
    (local.set $start (local.get $at))
    (loop $next
      (local.set $digit (i32.sub (i32.load8_u (local.get $at)) (i32.const 0x30)))
      (if (i32.le_u (local.get $digit) (i32.const 9))
        (then
          (local.set $value
            (i64.add (i64.mul (local.get $value) (i64.const 10)) (i64.extend_i32_u (local.get $digit))))
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (br $next))))
    (local.set $length (i32.sub (local.get $at) (local.get $start)))
    (if (i32.gt_u (i32.sub (local.get $length) (i32.const 1)) (i32.const 14)) (then (local.set $at (i32.const 0))))
    (if (i32.eq (i32.load8_u (local.get $start)) (i32.const 0x30))
      (then (if (i32.gt_u (local.get $length) (i32.const 1)) (then (local.set $at (i32.const 0))))))
    (local.get $at)
    (local.get $value))

  ;; The quote that ends a short text, or 0.
  (func $word (param $at i32) (result i32)
    (local $bytes v128) (local $special i32)
    (loop $next
      (local.set $bytes (v128.load align=1 (local.get $at)))
      (local.set $special
        (i8x16.bitmask
          (v128.or
            (i8x16.eq (local.get $bytes) (i8x16.splat (i32.const 0x22)))
            (i8x16.eq (local.get $bytes) (i8x16.splat (i32.const 0x0a))))))
      (if (i32.eqz (local.get $special))
        (then
          (local.set $at (i32.add (local.get $at) (i32.const 16)))
          (br $next))))
    (local.set $at (i32.add (local.get $at) (i32.ctz (local.get $special))))
    (select (local.get $at) (i32.const 0) (i32.eq (i32.load8_u (local.get $at)) (i32.const 0x22))))

  ;; The quote behind which a priority stands, or 0. What is passed is copied, with up to 16 bytes more.
  (func $message (param $at i32) (param $to i32) (result i32)
    (local $bytes v128) (local $special i32) (local $passed i32)
    (loop $next
      (local.set $bytes (v128.load align=1 (local.get $at)))
      (v128.store align=1 (local.get $to) (local.get $bytes))
      ;; A line feed, or a quote with a comma and another one behind it: within a message quotes have a backslash.
      (local.set $special
        (i8x16.bitmask
          (v128.or
            (v128.and
              (v128.and
                (i8x16.eq (local.get $bytes) (i8x16.splat (i32.const 0x22)))
                (i8x16.eq (v128.load offset=1 align=1 (local.get $at)) (i8x16.splat (i32.const 0x2c))))
              (i8x16.eq (v128.load offset=2 align=1 (local.get $at)) (i8x16.splat (i32.const 0x22))))
            (i8x16.eq (local.get $bytes) (i8x16.splat (i32.const 0x0a))))))
      (if (i32.eqz (local.get $special))
        (then
          (local.set $at (i32.add (local.get $at) (i32.const 16)))
          (local.set $to (i32.add (local.get $to) (i32.const 16)))
          (br $next)))
      (local.set $passed (i32.ctz (local.get $special)))
      (local.set $at (i32.add (local.get $at) (local.get $passed)))
      (if (i32.ne (i32.load8_u (local.get $at)) (i32.const 0x22)) (then (return (i32.const 0))))
      (if (call $same8 (local.get $at) (i32.const 48))
        (then
          (if (call $same8 (i32.add (local.get $at) (i32.const 6)) (i32.const 54)) (then (return (local.get $at))))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (local.set $to (i32.add (local.get $to) (i32.add (local.get $passed) (i32.const 1))))
      (br $next))
    (i32.const 0))

  ;; The value of two digits, or more than 99.
  (func $twoDigits (param $at i32) (result i32)
    (local $high i32) (local $low i32)
    (local.set $high (i32.sub (i32.load8_u (local.get $at)) (i32.const 0x30)))
    (local.set $low (i32.sub (i32.load8_u offset=1 (local.get $at)) (i32.const 0x30)))
    (if (i32.gt_u (local.get $high) (i32.const 9)) (then (return (i32.const 100))))
    (if (i32.gt_u (local.get $low) (i32.const 9)) (then (return (i32.const 100))))
    (i32.add (i32.mul (local.get $high) (i32.const 10)) (local.get $low)))

  ;; Whether a date from 1900 to 2099 stands here, as `2026-01-31T`; it is the one that was read last then.
  (func $readDate (param $at i32) (result i32)
    (local $century i32) (local $year i32) (local $month i32) (local $day i32) (local $most i32)
    (local.set $century (call $twoDigits (local.get $at)))
    (if (i32.gt_u (i32.sub (local.get $century) (i32.const 19)) (i32.const 1)) (then (return (i32.const 0))))
    (local.set $year (call $twoDigits (i32.add (local.get $at) (i32.const 2))))
    (if (i32.gt_u (local.get $year) (i32.const 99)) (then (return (i32.const 0))))
    (local.set $year (i32.add (i32.mul (local.get $century) (i32.const 100)) (local.get $year)))
    (local.set $month (call $twoDigits (i32.add (local.get $at) (i32.const 5))))
    (if (i32.gt_u (i32.sub (local.get $month) (i32.const 1)) (i32.const 11)) (then (return (i32.const 0))))
    (local.set $day (call $twoDigits (i32.add (local.get $at) (i32.const 8))))
    ;; 31, in April, June, September and November 30; in February 28, or 29 in leap years, which 1900 is not.
    (local.set $most (i32.or
      (i32.const 30)
      (i32.and (i32.xor (local.get $month) (i32.shr_u (local.get $month) (i32.const 3))) (i32.const 1))))
    (if (i32.eq (local.get $month) (i32.const 2))
      (then
        (local.set $most (i32.add
          (i32.const 28)
          (i32.and
            (i32.eqz (i32.and (local.get $year) (i32.const 3)))
            (i32.ne (local.get $year) (i32.const 1900)))))))
    (if (i32.gt_u (i32.sub (local.get $day) (i32.const 1)) (i32.sub (local.get $most) (i32.const 1)))
      (then (return (i32.const 0))))
    (if (i32.ne (i32.load8_u offset=4 (local.get $at)) (i32.const 0x2d)) (then (return (i32.const 0))))
    (if (i32.ne (i32.load8_u offset=7 (local.get $at)) (i32.const 0x2d)) (then (return (i32.const 0))))
    (if (i32.ne (i32.load8_u offset=10 (local.get $at)) (i32.const 0x54)) (then (return (i32.const 0))))
    (global.set $date (i64.load align=1 (local.get $at)))
    (global.set $day (i32.load offset=7 align=1 (local.get $at)))
    ;; Years that begin in March end with the day that some have more: 306 days and 153 for each five months before.
    (if (i32.le_u (local.get $month) (i32.const 2))
      (then
        (local.set $year (i32.sub (local.get $year) (i32.const 1)))
        (local.set $month (i32.add (local.get $month) (i32.const 12)))))
    (local.set $day
      (i32.add
        (local.get $day)
        (i32.add
          (i32.div_u
            (i32.add (i32.mul (i32.sub (local.get $month) (i32.const 3)) (i32.const 153)) (i32.const 2))
            (i32.const 5))
          (i32.add
            (i32.mul (local.get $year) (i32.const 365))
            (i32.add
              (i32.sub
                (i32.shr_u (local.get $year) (i32.const 2))
                (i32.div_u (local.get $year) (i32.const 100)))
              (i32.div_u (local.get $year) (i32.const 400)))))))
    ;; 719,469 is what this gives for the first of January 1970.
    (global.set $dateSeconds
      (i64.mul (i64.extend_i32_s (i32.sub (local.get $day) (i32.const 719469))) (i64.const 86400)))
    (i32.const 1))

  ;; Behind the time that stands here, or 0, its microseconds since the epoch, and the nanoseconds beyond.
  (func $time (param $at i32) (result i32 i64 i32)
    (local $hour i32) (local $minute i32) (local $second i32) (local $digits i32) (local $digit i32) (local $last i32)
    (local $fraction i32) (local $micros i32)
    (block $none
      (if (i32.eqz
            (i32.and
              (i64.eq (i64.load align=1 (local.get $at)) (global.get $date))
              (i32.eq (i32.load offset=7 align=1 (local.get $at)) (global.get $day))))
        (then (br_if $none (i32.eqz (call $readDate (local.get $at))))))
      (local.set $hour (call $twoDigits (i32.add (local.get $at) (i32.const 11))))
      (br_if $none (i32.gt_u (local.get $hour) (i32.const 23)))
      (local.set $minute (call $twoDigits (i32.add (local.get $at) (i32.const 14))))
      (br_if $none (i32.gt_u (local.get $minute) (i32.const 59)))
      (local.set $second (call $twoDigits (i32.add (local.get $at) (i32.const 17))))
      (br_if $none (i32.gt_u (local.get $second) (i32.const 59)))
      (br_if $none (i32.ne (i32.load8_u offset=13 (local.get $at)) (i32.const 0x3a)))
      (br_if $none (i32.ne (i32.load8_u offset=16 (local.get $at)) (i32.const 0x3a)))
      (local.set $at (i32.add (local.get $at) (i32.const 19)))
      (if (i32.eq (i32.load8_u (local.get $at)) (i32.const 0x2e))
        (then
          (block $ended
            (loop $next
              (local.set $at (i32.add (local.get $at) (i32.const 1)))
              (br_if $ended (i32.eq (local.get $digits) (i32.const 9)))
              (local.set $digit (i32.sub (i32.load8_u (local.get $at)) (i32.const 0x30)))
              (br_if $ended (i32.gt_u (local.get $digit) (i32.const 9)))
              (local.set $last (local.get $digit))
              (local.set $fraction (i32.add (i32.mul (local.get $fraction) (i32.const 10)) (local.get $digit)))
              (local.set $digits (i32.add (local.get $digits) (i32.const 1)))
              (br $next)))
          (br_if $none (i32.eqz (local.get $last)))
          (block $full
            (loop $next
              (br_if $full (i32.eq (local.get $digits) (i32.const 9)))
              (local.set $fraction (i32.mul (local.get $fraction) (i32.const 10)))
              (local.set $digits (i32.add (local.get $digits) (i32.const 1)))
              (br $next)))))
      (br_if $none (i32.ne (i32.load8_u (local.get $at)) (i32.const 0x5a)))
      (local.set $micros (i32.div_u (local.get $fraction) (i32.const 1000)))
      (return
        (i32.add (local.get $at) (i32.const 1))
        (i64.add
          (i64.mul
            (i64.add
              (global.get $dateSeconds)
              (i64.extend_i32_u
                (i32.add
                  (i32.mul (i32.add (i32.mul (local.get $hour) (i32.const 60)) (local.get $minute)) (i32.const 60))
                  (local.get $second))))
            (i64.const 1000000))
          (i64.extend_i32_u (local.get $micros)))
        (i32.sub (local.get $fraction) (i32.mul (local.get $micros) (i32.const 1000)))))
    (i32.const 0)
    (i64.const 0)
    (i32.const 0))

  ;; A hash, and a word in it.
  (func $hash (param $hash i64) (param $at i32) (param $length i32) (result i64)
    (local $first i64) (local $last i64)
    (local.set $first (i64.load align=1 (local.get $at)))
    (if (i32.lt_u (local.get $length) (i32.const 8))
      (then
        (local.set $first
          (i64.and
            (local.get $first)
            (i64.sub
              (i64.shl (i64.const 1) (i64.extend_i32_u (i32.shl (local.get $length) (i32.const 3))))
              (i64.const 1)))))
      (else
        (local.set $last (i64.load align=1 (i32.sub (i32.add (local.get $at) (local.get $length)) (i32.const 8))))))
    (i64.mul
      (i64.xor
        (i64.rotl
          (i64.mul (i64.xor (local.get $hash) (local.get $first)) (i64.const 0x9e3779b97f4a7c15))
          (i64.const 29))
        (i64.add (local.get $last) (i64.extend_i32_u (local.get $length))))
      (i64.const 0xd6e8feb86659fd93)))

  ;; Behind a word of a head and its separator, if it is this one; else 0.
  (func $behindWord (param $head i32) (param $at i32) (param $length i32) (result i32)
    (if (i32.eqz (call $same (local.get $head) (local.get $at) (local.get $length))) (then (return (i32.const 0))))
    (local.set $head (i32.add (local.get $head) (local.get $length)))
    (select
      (i32.add (local.get $head) (i32.const 1))
      (i32.const 0)
      (i32.eq (i32.load8_u (local.get $head)) (i32.const 0x0a))))

  ;; Writes a word of a head and its separator.
  (func $putWord (param $at i32) (param $length i32)
    (memory.copy (global.get $headsEnd) (local.get $at) (local.get $length))
    (global.set $headsEnd (i32.add (global.get $headsEnd) (local.get $length)))
    (i32.store8 (global.get $headsEnd) (i32.const 0x0a))
    (global.set $headsEnd (i32.add (global.get $headsEnd) (i32.const 1))))

  ;; The number of a line's facility, priority and level; -1 if there are too many or they are too long.
  (func $kind
    (param $facility i32) (param $facilityLength i32) (param $priority i32) (param $priorityLength i32)
    (param $level i32) (param $levelLength i32) (result i32)
    (local $hash i64) (local $entry i32) (local $number i32) (local $head i32)
    (local.set $hash
      (call $hash
        (call $hash
          (call $hash (i64.const 0) (local.get $facility) (local.get $facilityLength))
          (local.get $priority)
          (local.get $priorityLength))
        (local.get $level)
        (local.get $levelLength)))
    (local.set $entry (i32.wrap_i64 (i64.shr_u (local.get $hash) (i64.const 54))))
    (block $new
      (loop $next
        (local.set $entry (i32.and (local.get $entry) (i32.const 1023)))
        (local.set $head (i32.add (global.get $table) (i32.shl (local.get $entry) (i32.const 3))))
        (br_if $new (i32.eqz (local.tee $number (i32.load (local.get $head)))))
        (local.set $entry (i32.add (local.get $entry) (i32.const 1)))
        (br_if $next (i32.ne (i32.load offset=4 (local.get $head)) (i32.wrap_i64 (local.get $hash))))
        (local.set $number (i32.sub (local.get $number) (i32.const 1)))
        (local.set $head
          (i32.load offset=8192 (i32.add (global.get $table) (i32.shl (local.get $number) (i32.const 2)))))
        (br_if $next (i32.eqz
          (local.tee $head (call $behindWord (local.get $head) (local.get $facility) (local.get $facilityLength)))))
        (br_if $next (i32.eqz
          (local.tee $head (call $behindWord (local.get $head) (local.get $priority) (local.get $priorityLength)))))
        (br_if $next (i32.eqz
          (call $behindWord (local.get $head) (local.get $level) (local.get $levelLength))))
        (return (local.get $number))))
    (if (i32.ge_u (global.get $kinds) (i32.const 256)) (then (return (i32.const -1))))
    (if (i32.gt_u
          (i32.add (i32.add (local.get $facilityLength) (local.get $priorityLength)) (local.get $levelLength))
          (i32.const 125))
      (then (return (i32.const -1))))
    (i32.store
      offset=8192
      (i32.add (global.get $table) (i32.shl (global.get $kinds) (i32.const 2)))
      (global.get $headsEnd))
    (call $putWord (local.get $facility) (local.get $facilityLength))
    (call $putWord (local.get $priority) (local.get $priorityLength))
    (call $putWord (local.get $level) (local.get $levelLength))
    (local.set $number (global.get $kinds))
    (global.set $kinds (i32.add (local.get $number) (i32.const 1)))
    (i32.store (local.get $head) (global.get $kinds))
    (i32.store offset=4 (local.get $head) (i32.wrap_i64 (local.get $hash)))
    (local.get $number))

  ;; Writes a number, seven bits a byte, the low ones first; behind it.
  (func $put (param $at i32) (param $value i64) (result i32)
    (block $last
      (loop $next
        (br_if $last (i64.lt_u (local.get $value) (i64.const 0x80)))
        (i64.store8 (local.get $at) (i64.or (local.get $value) (i64.const 0x80)))
        (local.set $value (i64.shr_u (local.get $value) (i64.const 7)))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $next)))
    (i64.store8 (local.get $at) (local.get $value))
    (i32.add (local.get $at) (i32.const 1)))

  ;; Small ones of either sign take few bytes.
  (func $putDifference (param $at i32) (param $value i64) (result i32)
    (call $put
      (local.get $at)
      (i64.xor (i64.shl (local.get $value) (i64.const 1)) (i64.shr_s (local.get $value) (i64.const 63)))))

  ;; Divides a block; how many lines. $columns has where each column begins, in the order of COLUMNS, and is told where each
  ;; ends, 8 times i32; each has room for all that the block may give it, and 16 bytes more. $table: 9,216 bytes.
  (func (export "divide") (param $at i32) (param $end i32) (param $columns i32) (param $table i32) (result i32)
    (local $done i32) (local $lines i32) (local $here i32)
    (local $gaps i32) (local $kinds i32) (local $seqs i32) (local $clocks i32) (local $times i32) (local $others i32)
    (local $messages i32)
    (local $lastSeq i64) (local $lastClock i64) (local $lastAhead i64) (local $lastNanos i32)
    (local $seq i64) (local $clock i64) (local $ahead i64) (local $nanos i32) (local $kind i32)
    (local $facility i32) (local $facilityEnd i32) (local $message i32) (local $messageEnd i32)
    (local $priority i32) (local $priorityEnd i32) (local $level i32) (local $levelEnd i32)
    ;; Whether a line has the words of the last one that was divided, whose number is $lastKind; where the quotes before those
    ;; are, and how long they are.
    (local $same i32) (local $lastKind i32) (local $lastFacility i32) (local $lastPriority i32) (local $lastLevel i32)
    (local $facilityLength i32) (local $priorityLength i32) (local $levelLength i32)
    (memory.fill (local.get $table) (i32.const 0) (i32.const 8192))
    (global.set $table (local.get $table))
    (global.set $kinds (i32.const 0))
    (global.set $headsEnd (i32.load (local.get $columns)))
    (local.set $gaps (i32.load offset=4 (local.get $columns)))
    (local.set $kinds (i32.load offset=8 (local.get $columns)))
    (local.set $seqs (i32.load offset=12 (local.get $columns)))
    (local.set $clocks (i32.load offset=16 (local.get $columns)))
    (local.set $times (i32.load offset=20 (local.get $columns)))
    (local.set $others (i32.load offset=24 (local.get $columns)))
    (local.set $messages (i32.load offset=28 (local.get $columns)))
    (local.set $lastSeq (i64.const -1))
    ;; There is no quote there: so the first line has not the words of one before it.
    (local.set $lastFacility (local.get $table))
    (local.set $lastPriority (local.get $lastFacility))
    (local.set $lastLevel (local.get $lastFacility))
    (local.set $done (local.get $at))
    (local.set $at (call $nextLine (local.get $at) (local.get $end)))
    (block $ended
      (loop $line
        (br_if $ended (i32.ge_u (local.get $at) (local.get $end)))
        (block $none
          (br_if $none (i32.eqz (call $same8 (local.get $at) (i32.const 0))))
          (br_if $none (i32.ne (i32.load8_u offset=8 (local.get $at)) (i32.const 0x3a))) ;; :
          (call $number (i32.add (local.get $at) (i32.const 9)))
          (local.set $clock)
          (br_if $none (i32.eqz (local.tee $here)))

          (br_if $none (i32.eqz (call $same8 (local.get $here) (i32.const 16))))
          (br_if $none (i32.eqz (call $same8 (i32.add (local.get $here) (i32.const 5)) (i32.const 21))))
          (local.set $facility (i32.add (local.get $here) (i32.const 13)))
          ;; Mostly words are those of the line before, from the quote before them to the text behind them.
          (local.set $facilityEnd (i32.add (local.get $facility) (local.get $facilityLength)))
          (if (i32.eqz (local.tee $same
                (call $same
                  (i32.sub (local.get $facility) (i32.const 1))
                  (local.get $lastFacility)
                  (i32.add (local.get $facilityLength) (i32.const 10)))))
            (then
              (br_if $none (i32.eqz (local.tee $facilityEnd (call $word (local.get $facility)))))
              (br_if $none (i32.eqz (call $same8 (local.get $facilityEnd) (i32.const 32))))
              (br_if $none (i32.ne (i32.load8_u offset=8 (local.get $facilityEnd)) (i32.const 0x22)))))
          (local.set $message (i32.add (local.get $facilityEnd) (i32.const 9)))
          (br_if $none (i32.eqz
            (local.tee $messageEnd (call $message (local.get $message) (local.get $messages)))))

          (local.set $priority (i32.add (local.get $messageEnd) (i32.const 14)))
          (local.set $priorityEnd (i32.add (local.get $priority) (local.get $priorityLength)))
          (if (i32.eqz
                (call $same
                  (i32.sub (local.get $priority) (i32.const 1))
                  (local.get $lastPriority)
                  (i32.add (local.get $priorityLength) (i32.const 9))))
            (then
              (local.set $same (i32.const 0))
              (br_if $none (i32.eqz (local.tee $priorityEnd (call $word (local.get $priority)))))
              (br_if $none (i32.eqz (call $same8 (local.get $priorityEnd) (i32.const 64))))))
          (call $number (i32.add (local.get $priorityEnd) (i32.const 8)))
          (local.set $seq)
          (br_if $none (i32.eqz (local.tee $here)))

          (br_if $none (i32.eqz (call $same8 (local.get $here) (i32.const 80))))
          (br_if $none (i32.eqz (call $same8 (i32.add (local.get $here) (i32.const 8)) (i32.const 88))))
          (local.set $level (i32.add (local.get $here) (i32.const 16)))
          (local.set $levelEnd (i32.add (local.get $level) (local.get $levelLength)))
          (if (i32.eqz
                (call $same
                  (i32.sub (local.get $level) (i32.const 1))
                  (local.get $lastLevel)
                  (i32.add (local.get $levelLength) (i32.const 2))))
            (then
              (local.set $same (i32.const 0))
              (br_if $none (i32.eqz (local.tee $levelEnd (call $word (local.get $level)))))))

          (br_if $none (i32.eqz (call $same8 (local.get $levelEnd) (i32.const 96))))
          (br_if $none (i32.eqz (call $same8 (i32.add (local.get $levelEnd) (i32.const 8)) (i32.const 104))))
          (call $time (i32.add (local.get $levelEnd) (i32.const 16)))
          (local.set $nanos)
          (local.set $ahead)
          (br_if $none (i32.eqz (local.tee $here)))

          ;; "}, line feed
          (br_if $none (i32.ne (i32.load16_u align=1 (local.get $here)) (i32.const 0x7d22)))
          (br_if $none (i32.ne (i32.load8_u offset=2 (local.get $here)) (i32.const 0x0a)))
          (local.set $here (i32.add (local.get $here) (i32.const 3)))
          (br_if $none (i32.gt_u (local.get $here) (local.get $end)))

          ;; A difference of more than MAX_DIFFERENCE either way is not exact in a double.
          (local.set $ahead (i64.sub (local.get $ahead) (local.get $clock)))
          (br_if $none (i64.gt_u
            (i64.add (i64.sub (local.get $ahead) (local.get $lastAhead)) (i64.const 0xfffffffffffff))
            (i64.const 0x1ffffffffffffe)))
          (if (i32.eqz (local.get $same))
            (then
              (local.set $kind
                (call $kind
                  (local.get $facility)
                  (i32.sub (local.get $facilityEnd) (local.get $facility))
                  (local.get $priority)
                  (i32.sub (local.get $priorityEnd) (local.get $priority))
                  (local.get $level)
                  (i32.sub (local.get $levelEnd) (local.get $level))))
              (br_if $none (i32.lt_s (local.get $kind) (i32.const 0)))
              (local.set $lastKind (local.get $kind))
              (local.set $facilityLength (i32.sub (local.get $facilityEnd) (local.get $facility)))
              (local.set $priorityLength (i32.sub (local.get $priorityEnd) (local.get $priority)))
              (local.set $levelLength (i32.sub (local.get $levelEnd) (local.get $level)))
              (local.set $lastFacility (i32.sub (local.get $facility) (i32.const 1)))
              (local.set $lastPriority (i32.sub (local.get $priority) (i32.const 1)))
              (local.set $lastLevel (i32.sub (local.get $level) (i32.const 1)))))

          (local.set $gaps
            (call $put (local.get $gaps) (i64.extend_i32_u (i32.sub (local.get $at) (local.get $done)))))
          (if (i32.ne (local.get $at) (local.get $done))
            (then
              (memory.copy (local.get $others) (local.get $done) (i32.sub (local.get $at) (local.get $done)))
              (local.set $others
                (i32.add (local.get $others) (i32.sub (local.get $at) (local.get $done))))))
          (i32.store8 (local.get $kinds) (local.get $lastKind))
          (local.set $kinds (i32.add (local.get $kinds) (i32.const 1)))
          (local.set $seqs
            (call $putDifference
              (local.get $seqs)
              (i64.sub (i64.sub (local.get $seq) (local.get $lastSeq)) (i64.const 1))))
          (local.set $clocks
            (call $putDifference (local.get $clocks) (i64.sub (local.get $clock) (local.get $lastClock))))
          (local.set $times
            (call $putDifference (local.get $times) (i64.sub (local.get $ahead) (local.get $lastAhead))))
          (local.set $times
            (call $putDifference
              (local.get $times)
              (i64.extend_i32_s (i32.sub (local.get $nanos) (local.get $lastNanos)))))
          ;; The message lies there already.
          (local.set $messages
            (i32.add (local.get $messages) (i32.sub (local.get $messageEnd) (local.get $message))))
          (i32.store8 (local.get $messages) (i32.const 0x0a))
          (local.set $messages (i32.add (local.get $messages) (i32.const 1)))
          (local.set $lastSeq (local.get $seq))
          (local.set $lastClock (local.get $clock))
          (local.set $lastAhead (local.get $ahead))
          (local.set $lastNanos (local.get $nanos))
          (local.set $lines (i32.add (local.get $lines) (i32.const 1)))
          (local.set $done (local.get $here))
          (local.set $at (call $nextLine (local.get $here) (local.get $end)))
          (br $line))
        ;; Not to the next begin of one within it: a line that is made of begins would be read again from each.
        (local.set $at
          (call $nextLine
            (i32.add (call $find (local.get $at) (i32.const 0x0a)) (i32.const 1))
            (local.get $end)))
        (br $line)))
    (if (i32.lt_u (local.get $done) (local.get $end))
      (then
        (memory.copy (local.get $others) (local.get $done) (i32.sub (local.get $end) (local.get $done)))
        (local.set $others (i32.add (local.get $others) (i32.sub (local.get $end) (local.get $done))))))
    (i32.store (local.get $columns) (global.get $headsEnd))
    (i32.store offset=4 (local.get $columns) (local.get $gaps))
    (i32.store offset=8 (local.get $columns) (local.get $kinds))
    (i32.store offset=12 (local.get $columns) (local.get $seqs))
    (i32.store offset=16 (local.get $columns) (local.get $clocks))
    (i32.store offset=20 (local.get $columns) (local.get $times))
    (i32.store offset=24 (local.get $columns) (local.get $others))
    (i32.store offset=28 (local.get $columns) (local.get $messages))
    (local.get $lines))

  ;; How many line feeds there are from $at to $end.
  (func (export "count") (param $at i32) (param $end i32) (result i32)
    (local $count i32) (local $left i32)
    (block $ended
      (loop $next
        (br_if $ended (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $count
          (i32.add
            (local.get $count)
            (i32.popcnt
              (i32.and
                (i8x16.bitmask (i8x16.eq (v128.load align=1 (local.get $at)) (i8x16.splat (i32.const 0x0a))))
                (select
                  (i32.sub
                    (i32.shl (i32.const 1) (local.tee $left (i32.sub (local.get $end) (local.get $at))))
                    (i32.const 1))
                  (i32.const 0xffff)
                  (i32.lt_u (local.get $left) (i32.const 16)))))))
        (local.set $at (i32.add (local.get $at) (i32.const 16)))
        (br $next)))
    (local.get $count)))
