from django.db import migrations

# code, names (ko, ja, en), what each gateway calls it: the code to send first; staff may change all but the code.
ISSUERS = [
    ("SAMSUNG", "삼성", "サムスン", "Samsung", {"inicis": ["12"], "tosspayments": ["51"], "nice": ["04"], "hecto": ["SSC"], "mobilians": ["SSC"], "kakaopay": ["SAMSUNG"]}),
    ("SHINHAN", "신한", "新韓", "Shinhan", {"inicis": ["14"], "tosspayments": ["41"], "nice": ["06"], "hecto": ["SHN"], "mobilians": ["SHN"], "kakaopay": ["SHINHAN"]}),
    ("HYUNDAI", "현대", "現代", "Hyundai", {"inicis": ["04"], "tosspayments": ["61"], "nice": ["07"], "hecto": ["HDC"], "mobilians": ["HDC"], "kakaopay": ["HYUNDAI"]}),
    ("KB", "국민", "KB国民", "KB Kookmin", {"inicis": ["06"], "tosspayments": ["11"], "nice": ["02"], "hecto": ["KBC"], "mobilians": ["KBC"], "kakaopay": ["KB"]}),
    ("LOTTE", "롯데", "ロッテ", "Lotte", {"inicis": ["03"], "tosspayments": ["71"], "nice": ["08"], "hecto": ["LTC"], "mobilians": ["LTC"], "kakaopay": ["LOTTE"]}),
    ("HANA", "하나", "ハナ", "Hana", {"inicis": ["34", "17"], "tosspayments": ["21"], "nice": ["16"], "hecto": ["HNC"], "mobilians": ["HNC"], "kakaopay": ["HANA"]}),
    ("BC", "비씨", "BCカード", "BC Card", {"inicis": ["11"], "tosspayments": ["31"], "nice": ["01"], "hecto": ["BCC"], "mobilians": ["BCC"], "kakaopay": ["BC"]}),
    ("NH", "NH농협", "NH農協", "NH Nonghyup", {"inicis": ["41", "16"], "tosspayments": ["91"], "nice": ["12"], "hecto": ["NHC"], "mobilians": ["NHC"], "kakaopay": ["NH"]}),
    ("WOORI", "우리", "ウリィ", "Woori", {"inicis": ["44"], "tosspayments": ["W1"], "nice": ["15"], "hecto": ["WRI"], "mobilians": ["WRC"], "kakaopay": ["WOORI"]}),
    ("IBK_BC", "기업BC", "IBK企業(BC)", "IBK (BC)", {"tosspayments": ["3K"]}),
    ("KEB", "외환(하나)", "ハナ(旧外換)", "Hana (ex-KEB)", {"inicis": ["01"], "nice": ["03"], "mobilians": ["KEC"]}),
    ("CITI", "씨티", "シティ", "Citi", {"inicis": ["43", "15"], "tosspayments": ["36"], "nice": ["11"], "hecto": ["027"], "mobilians": ["CTB"], "kakaopay": ["CITI"]}),
    ("SUHYUP", "수협", "水協", "Suhyup", {"inicis": ["51"], "tosspayments": ["34"], "nice": ["13"], "hecto": ["007"], "mobilians": ["SHP"]}),
    ("SHINHYUP", "신협", "信協", "Shinhyup", {"inicis": ["48"], "tosspayments": ["62"], "nice": ["14"], "hecto": ["048"], "mobilians": ["SHC"]}),
    ("WOORI_BC", "우리BC", "ウリィ(BC)", "Woori (BC)", {"tosspayments": ["33"], "mobilians": ["WOO"]}),
    ("GWANGJU", "광주", "光州", "Kwangju", {"inicis": ["32"], "tosspayments": ["46"], "nice": ["21"], "hecto": ["034"], "mobilians": ["KJB"]}),
    ("JEONBUK", "전북", "全北", "Jeonbuk", {"inicis": ["33"], "tosspayments": ["35"], "nice": ["22"], "hecto": ["037"], "mobilians": ["JBB"]}),
    ("JEJU", "제주", "済州", "Jeju", {"inicis": ["52"], "tosspayments": ["42"], "nice": ["23"], "hecto": ["035"], "mobilians": ["JJB"]}),
    ("KDB", "산업", "産業", "KDB", {"inicis": ["35"], "tosspayments": ["30"], "nice": ["36"], "hecto": ["002"], "mobilians": ["KDB"]}),
    ("POST", "우체국", "郵便局", "Korea Post", {"inicis": ["71"], "tosspayments": ["37"], "nice": ["32"], "hecto": ["071"], "mobilians": ["PTC"]}),
    ("SAVINGS", "저축", "貯蓄銀行", "Savings banks", {"inicis": ["95"], "tosspayments": ["39"], "nice": ["33"], "hecto": ["050"]}),
    ("SAEMAUL", "새마을", "セマウル", "MG Saemaul", {"inicis": ["54"], "tosspayments": ["38"], "nice": ["35"], "hecto": ["247"]}),
    ("KAKAOBANK", "카카오뱅크", "カカオバンク", "KakaoBank", {"inicis": ["56"], "tosspayments": ["15"], "nice": ["37"], "hecto": ["090"], "mobilians": ["KKB", "KKO"], "kakaopay": ["KAKAOBANK"]}),
    ("KBANK", "케이뱅크", "Kバンク", "K bank", {"inicis": ["55"], "tosspayments": ["3A"], "nice": ["38"], "hecto": ["089"], "mobilians": ["KNC"]}),
    ("TOSSBANK", "토스뱅크", "トスバンク", "Toss Bank", {"tosspayments": ["24"], "hecto": ["092"]}),
    ("KBSEC", "KB증권", "KB証券", "KB Securities", {"tosspayments": ["KBS"], "hecto": ["218"], "mobilians": ["KBS"]}),
    ("PAYCO", "페이코", "PAYCO", "PAYCO", {"tosspayments": ["PCP"], "nice": ["39"]}),
    ("VISA", "해외비자", "Visa (海外)", "Visa (foreign)", {"inicis": ["21"], "tosspayments": ["4V"], "nice": ["25"], "mobilians": ["VSC"]}),
    ("MASTER", "해외마스터", "Mastercard (海外)", "Mastercard (foreign)", {"inicis": ["22"], "tosspayments": ["4M"], "nice": ["26"], "mobilians": ["MST"]}),
    ("JCB", "해외JCB", "JCB (海外)", "JCB (foreign)", {"inicis": ["23"], "tosspayments": ["4J"], "nice": ["29"], "mobilians": ["JCB"]}),
    ("AMEX", "아멕스", "アメックス", "American Express", {"inicis": ["24"], "tosspayments": ["7A"], "nice": ["28"]}),
    ("DINERS", "다이너스", "ダイナース", "Diners Club", {"inicis": ["25"], "tosspayments": ["6D"], "nice": ["27"]}),
    ("UNIONPAY", "은련", "銀聯", "UnionPay", {"inicis": ["26"], "tosspayments": ["3C"], "nice": ["34"]}),
]
# Methods known to every installation, in the other languages of the order pages.
METHODS = [
    ("CARD", "クレジットカード", "Card"),
    ("BANK", "リアルタイム口座振替", "Bank transfer"),
    ("VBANK", "仮想口座", "Virtual account"),
    ("MOBILE", "携帯電話決済", "Mobile phone"),
    ("KAKAOPAY", "カカオペイ", "KakaoPay"),
    ("NAVERPAY", "ネイバーペイ", "Naver Pay"),
    ("PAYCO", "PAYCO", "PAYCO"),
    ("TOSSPAY", "トスペイ", "Toss Pay"),
    ("SAMSUNGPAY", "サムスンペイ", "Samsung Pay"),
    ("KONBINI", "コンビニ決済", "Convenience store"),
    ("POINT", "ポイント", "Points"),
    ("DEPOSIT", "預り金", "Deposit"),
    ("GIFTCARD", "商品券", "Gift card"),
]


def add_issuers(apps, schema_editor):
    model = apps.get_model("merchants", "CardIssuer")
    for order, (code, name, ja, en, codes) in enumerate(ISSUERS, start=1):
        values = {"name": name, "name_ja": ja, "name_en": en, "codes": codes, "display_order": order * 10}
        model.objects.get_or_create(code=code, defaults=values)


def name_methods(apps, schema_editor):
    model = apps.get_model("merchants", "PaymentMethod")
    for code, ja, en in METHODS:
        model.objects.filter(code=code).update(name_ja=ja, name_en=en)


class Migration(migrations.Migration):
    dependencies = [("merchants", "0003_back_office")]
    operations = [
        migrations.RunPython(add_issuers, migrations.RunPython.noop),
        migrations.RunPython(name_methods, migrations.RunPython.noop),
    ]
